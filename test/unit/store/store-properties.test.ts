// Random sequences of everything processes may do, against the one promise that readers rely on.
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ObjectStoreFullError } from "../../../runtime/errors/index.ts";
import { StoreServer } from "../../../runtime/store/index.ts";
import { diskFolder, kib, mib, sharedFolder } from "./store-folder.ts";

const processId = fc.constantFrom("p", "q", "r");
const objectId = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  fc.record({ do: fc.constant("write" as const), processId, objectId, bytes: fc.integer({ min: 1, max: 700 * kib }) }),
  fc.record({ do: fc.constant("create" as const), processId, bytes: fc.integer({ min: 1, max: 700 * kib }) }),
  fc.record({ do: fc.constant("discard" as const), processId }),
  fc.record({ do: fc.constant("pin" as const), processId, objectId }),
  fc.record({ do: fc.constant("unpin" as const), processId, objectId }),
  fc.record({ do: fc.constant("release" as const), objectId }),
  fc.record({ do: fc.constant("gone" as const), processId }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What processes have, as they see it. */
class Held {
  readonly writing: { processId: string; segment: string }[] = [];
  readonly pins: { processId: string; objectId: string; segment: string }[] = [];

  /** A segment was handed out to be written: nobody may have it. */
  checkFree(segment: string): void {
    expect(this.writing.filter((held) => held.segment === segment)).toEqual([]);
    expect(this.pins.filter((held) => held.segment === segment)).toEqual([]);
  }
}

async function take(server: StoreServer, held: Held, step: Step): Promise<void> {
  switch (step.do) {
    case "write": {
      const { segment } = await server.create(step.processId, step.bytes);
      held.checkFree(segment);
      return server.seal(step.processId, segment, step.objectId, step.bytes);
    }
    case "create": {
      const { segment } = await server.create(step.processId, step.bytes);
      held.checkFree(segment);
      held.writing.push({ processId: step.processId, segment });
      return;
    }
    case "discard": {
      const at = held.writing.findIndex((writing) => writing.processId === step.processId);
      const [writing] = at < 0 ? [] : held.writing.splice(at, 1);
      if (writing) server.discard(step.processId, writing.segment);
      return;
    }
    case "pin": {
      const sealed = await server.pin(step.processId, step.objectId);
      if (sealed) held.pins.push({ processId: step.processId, objectId: step.objectId, segment: sealed.segment });
      return;
    }
    case "unpin": {
      const at = held.pins.findIndex((pin) => pin.processId === step.processId && pin.objectId === step.objectId);
      if (at >= 0) {
        held.pins.splice(at, 1);
        server.unpin(step.processId, step.objectId);
      }
      return;
    }
    case "release":
      return server.release(step.objectId);
    case "gone":
      for (const list of [held.writing, held.pins]) {
        for (let i = list.length - 1; i >= 0; i -= 1) if (list[i]?.processId === step.processId) list.splice(i, 1);
      }
      return server.processGone(step.processId);
  }
}

async function run(steps: readonly Step[], spillFolder: string | undefined, together: number): Promise<void> {
  const spill = spillFolder === undefined ? {} : { spillFolder };
  const server = StoreServer.open({ root, capacityBytes: 2 * mib, ...spill });
  try {
    const held = new Held();
    for (let i = 0; i < steps.length; i += together) {
      const results = await Promise.allSettled(
        steps.slice(i, i + together).map((step, at) => later(at, () => take(server, held, step))),
      );
      for (const result of results) {
        if (result.status === "rejected" && !(result.reason instanceof ObjectStoreFullError)) throw result.reason;
      }
      const { usedBytes, pooledBytes, capacityBytes, writing, objects } = server.stats();
      expect(usedBytes + pooledBytes).toBeLessThanOrEqual(capacityBytes);
      expect(writing).toBe(held.writing.length);
      for (const pin of held.pins) {
        expect(objects).toContainEqual(
          expect.objectContaining({
            objectId: pin.objectId,
            place: "memory",
            holders: expect.arrayContaining([pin.processId]),
          }),
        );
      }
    }
    for (const id of ["p", "q", "r"]) server.processGone(id);
    for (const id of ["a", "b", "c", "d", "e"]) server.release(id);
    expect(server.stats()).toMatchObject({ usedBytes: 0, spilledBytes: 0, writing: 0, objects: [] });
  } finally {
    await server.close();
  }
}

/** The steps of one batch begin one turn of the event loop after another, while the disk is at work for earlier ones. */
async function later(turns: number, begin: () => Promise<void>): Promise<void> {
  for (let i = 0; i < turns; i += 1) await turn();
  await begin();
}

let root = "";
const sequences = fc.array(step, { minLength: 10, maxLength: 60 });

test("a segment that a process holds is never handed out, and nothing is lost, whatever happens in whatever order", async () => {
  root = sharedFolder();
  await fc.assert(
    fc.asyncProperty(sequences, (steps) => run(steps, undefined, 1)),
    { numRuns: 150 },
  );
});

test("the same while objects go to disk and come back", async () => {
  root = sharedFolder();
  const spillFolder = diskFolder();
  await fc.assert(
    fc.asyncProperty(sequences, (steps) => run(steps, spillFolder, 1)),
    { numRuns: 80 },
  );
});

test("the same when several calls are under way at once", async () => {
  root = sharedFolder();
  const spillFolder = diskFolder();
  // A process's end does not wait for its calls, so what they were given is then not theirs any more.
  const living = sequences.map((steps) => steps.filter((step) => step.do !== "gone"));
  await fc.assert(
    fc.asyncProperty(living, fc.boolean(), (steps, spill) => run(steps, spill ? spillFolder : undefined, 5)),
    { numRuns: 150 },
  );
});
