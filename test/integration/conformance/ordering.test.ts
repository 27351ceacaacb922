import fc from "fast-check";
import { expect, test } from "vitest";
import { get, put, remote } from "../../../runtime/index.ts";
import { failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { AsyncLog, Log, Submitter } from "../../fixtures/remote/actors.ts";
import { gated, throws } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("ordering", (place) => {
  test("a sync actor runs one submitter's calls in the order in which they were made", async () => {
    const log = remote(Log).remote();
    const lines = Array.from({ length: 300 }, (_, i) => String(i));
    for (const line of lines) log.write.remote(line);
    expect(await log.lines.remote()).toEqual(lines);
  });

  test("a later call of the same submitter waits for one whose argument is not ready; other submitters do not", async () => {
    const log = remote(Log).remote();
    const late = remote(gated).remote(place.facts.folder, "late");
    log.write.remote(late);
    const second = log.write.remote("second");
    await remote(Submitter).remote().write.remote(log, ["another"]);
    place.facts.tell("late go");
    await second;
    expect(await log.lines.remote()).toEqual(["another", "late", "second"]);
  });

  test("whatever arguments are late, each submitter's calls run in its order", async () => {
    const submitters = [remote(Submitter).remote(), remote(Submitter).remote()];
    await get(submitters.map((submitter) => submitter.__ray_ready__.remote()));
    const actor = remote(Log).remote();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), fc.nat(), async (late, seed) => {
        round += 1;
        const before = (await actor.lines.remote()).length;
        const names = late.map((_, i) => `own ${round}.${i}`);
        for (const [index, name] of names.entries()) {
          actor.write.remote(
            late[index] ? remote(gated).options({ numCpus: 0 }).remote(place.facts.folder, name) : name,
          );
        }
        const others = submitters.map((submitter, s) => {
          return submitter.write.remote(
            actor,
            late.map((_, i) => `other${s} ${round}.${i}`),
          );
        });
        // The late ones become ready in an order of their own.
        const order = names.filter((_, index) => late[index]).sort((a, b) => hash(a, seed) - hash(b, seed));
        for (const name of order) place.facts.tell(`${name} go`);
        await get(others);
        const lines = (await actor.lines.remote()).slice(before);
        expect(lines.filter((line) => line.startsWith("own"))).toEqual(names);
        for (const s of [0, 1]) {
          expect(lines.filter((line) => line.startsWith(`other${s}`))).toEqual(
            late.map((_, i) => `other${s} ${round}.${i}`),
          );
        }
      }),
      { numRuns: 8, interruptAfterTimeLimit: 20_000 },
    );
  });

  test("in an async actor, and with allowOutOfOrderExecution, a ready call overtakes one that waits", async () => {
    const actors = [remote(AsyncLog).remote(), remote(Log).options({ allowOutOfOrderExecution: true }).remote()];
    for (const [index, log] of actors.entries()) {
      const blocked = log.write.remote(remote(gated).remote(place.facts.folder, `late ${index}`));
      await log.write.remote("ready");
      place.facts.tell(`late ${index} go`);
      await blocked;
      expect(await log.lines.remote()).toEqual(["ready", `late ${index}`]);
    }
  });

  test("a failed argument fails its call with that error and lets the next one run", async () => {
    const log = remote(Log).remote();
    const failed = log.write.remote(remote(throws).remote());
    const next = log.write.remote(put("next") as never);
    expect(await failureOf(failed)).toBeInstanceOf(RangeError);
    await next;
    expect(await log.lines.remote()).toEqual(["next"]);
  });
});

function hash(text: string, seed: number): number {
  let value = seed;
  for (const char of text) value = (Math.imul(value, 31) + char.charCodeAt(0)) | 0;
  return value;
}
