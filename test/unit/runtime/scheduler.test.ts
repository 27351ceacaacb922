// Random asks, releases, loans and groups against the one scheduler that keeps them: nothing is over-committed, nothing is
// forgotten, and what waits says why.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PlacementGroupId } from "../../../runtime/core/index.ts";
import { compileGroup, type Grant, GroupTable, Scheduler } from "../../../runtime/placement/index.ts";
import { newNode, type ResourceRequest, unitsPerOne } from "../../../runtime/scheduling/index.ts";

const groupIds = ["g0", "g1", "g2"] as const;
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("ask" as const), cpus: fc.nat(4), gpus: fc.nat(2) }) },
  fc.record({ do: fc.constant("askInGroup" as const), group: fc.constantFrom(...groupIds), cpus: fc.nat(2) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), at: fc.nat() }) },
  fc.record({ do: fc.constant("withdraw" as const), at: fc.nat() }),
  fc.record({ do: fc.constant("lend" as const), at: fc.nat() }),
  fc.record({ do: fc.constant("takeBack" as const), at: fc.nat() }),
  fc.record({
    do: fc.constant("createGroup" as const),
    group: fc.constantFrom(...groupIds),
    cpus: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant("removeGroup" as const), group: fc.constantFrom(...groupIds) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

type State = "waits" | "granted" | "refused" | "withdrawn" | "released";

interface Asked {
  readonly id: string;
  state: State;
  answers: number;
  grant: Grant | undefined;
  takeBack: (() => void) | undefined;
  withdraw: () => void;
}

class World {
  readonly groups = new GroupTable();
  readonly scheduler: Scheduler;
  readonly asked: Asked[] = [];

  constructor() {
    const nodes = [4, 2].map((cpus, i) => {
      const total = { CPU: cpus * unitsPerOne, GPU: 2 * unitsPerOne };
      return newNode(`n${i}`, total, [`${2 * i}`, `${2 * i + 1}`], {});
    });
    this.scheduler = new Scheduler(nodes, (id) => this.groups.view(id));
  }

  do(step: Step): unknown {
    switch (step.do) {
      case "ask":
        return this.#ask({ CPU: step.cpus * unitsPerOne, GPU: step.gpus * unitsPerOne }, { kind: "default" });
      case "askInGroup":
        return this.#ask(
          { CPU: step.cpus * unitsPerOne },
          { kind: "placementGroup", groupId: step.group, bundleIndex: -1, shareGpus: false },
        );
      case "release":
        return this.#with("granted", step.at, (one) => {
          one.state = "released";
          one.grant?.release();
        });
      case "withdraw":
        return this.#with("waits", step.at, (one) => {
          one.state = "withdrawn";
          one.withdraw();
        });
      case "lend":
        return this.#with("granted", step.at, (one) => {
          one.takeBack ??= one.grant?.lendCpus();
        });
      case "takeBack":
        return this.#with("granted", step.at, (one) => {
          one.takeBack?.();
          one.takeBack = undefined;
        });
      case "createGroup": {
        if (this.groups.has(step.group)) return;
        const group = compileGroup(step.group as PlacementGroupId, [{ CPU: step.cpus }, { CPU: 1 }], {});
        return this.groups.create(group, this.scheduler, { created: () => {}, infeasible: () => {} });
      }
      case "removeGroup":
        for (const one of this.asked) {
          if (one.state !== "granted" || one.grant?.lease.groupId !== step.group) continue;
          one.state = "released";
          one.grant.release();
        }
        this.groups.remove(step.group, this.scheduler);
        return this.groups.forget(step.group);
    }
  }

  #ask(units: Record<string, number>, strategy: ResourceRequest["strategy"]): void {
    const one: Asked = {
      id: `a${this.asked.length}`,
      state: "waits",
      answers: 0,
      grant: undefined,
      takeBack: undefined,
      withdraw: () => {},
    };
    this.asked.push(one);
    one.withdraw = this.scheduler.ask({
      kind: "task",
      id: one.id,
      name: "f",
      request: { held: units, placement: units, labelSelector: {}, strategy },
      granted: (grant) => {
        one.answers += 1;
        one.state = "granted";
        one.grant = grant;
      },
      refused: ({ reasons }) => {
        one.answers += 1;
        one.state = "refused";
        expect(reasons.join("")).not.toBe("");
      },
    });
  }

  #with(state: State, at: number, act: (one: Asked) => void): void {
    const fitting = this.asked.filter((one) => one.state === state);
    const one = fitting[at % Math.max(1, fitting.length)];
    if (one) act(one);
  }

  check(): void {
    const pending = this.scheduler.pending();
    const tasks = pending.filter(({ kind }) => kind === "task").map(({ id }) => id);
    expect(tasks).toEqual(this.asked.filter(({ state }) => state === "waits").map(({ id }) => id));
    for (const { reasons } of pending) expect(reasons.join("")).not.toBe("");
    for (const { answers } of this.asked) expect(answers).toBeLessThanOrEqual(1);
    const gpus = this.asked.flatMap(({ state, grant }) => (state === "granted" ? (grant?.gpuIds ?? []) : []));
    expect(new Set(gpus).size).toBe(gpus.length);
    const lent = this.asked.some(({ takeBack }) => takeBack !== undefined);
    for (const view of this.scheduler.nodes.views) {
      for (const [name, total] of Object.entries(view.total)) {
        expect(view.free[name]).toBeLessThanOrEqual(total);
        // CPUs that were lent out are taken again even where none is free.
        if (!(name === "CPU" && (lent || this.everLent))) expect(view.free[name]).toBeGreaterThanOrEqual(0);
      }
    }
    this.everLent ||= lent;
  }
  everLent = false;

  /** Gives everything back: all that may be placed is, one after the other, and in the end all is free. */
  drain(): void {
    for (let granted = this.#granted(); granted.length > 0; granted = this.#granted()) {
      for (const one of granted) {
        one.takeBack?.();
        one.takeBack = undefined;
        one.state = "released";
        one.grant?.release();
      }
    }
    for (const id of groupIds) this.do({ do: "removeGroup", group: id });
    for (let granted = this.#granted(); granted.length > 0; granted = this.#granted()) {
      for (const one of granted) {
        one.state = "released";
        one.grant?.release();
      }
    }
    expect(this.scheduler.pending()).toEqual([]);
    for (const view of this.scheduler.nodes.views) expect(view.free).toEqual(view.total);
  }

  #granted(): Asked[] {
    return this.asked.filter(({ state }) => state === "granted");
  }
}

test("whatever is asked, lent, reserved and given back: never over-committed, never forgotten, always explained", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World();
      for (const one of steps) {
        world.do(one);
        world.check();
      }
      world.drain();
    }),
    { numRuns: 300 },
  );
});
