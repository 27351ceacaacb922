import fc from "fast-check";
import { expect, test } from "vitest";
import { type Grant, Ledger, Scheduler, shapeOf } from "../../../runtime/placement/index.ts";
import {
  giveBack,
  newNode,
  place,
  type ResourceRequest,
  type Strategy,
  take,
  unitsPerOne,
} from "../../../runtime/scheduling/index.ts";

const strategies: fc.Arbitrary<Strategy> = fc.oneof(
  fc.constant({ kind: "default" } as const),
  fc.constant({ kind: "spread" } as const),
  fc.record({ kind: fc.constant("node" as const), nodeId: fc.constantFrom("n0", "n7", "none"), soft: fc.boolean() }),
  fc.record({
    kind: fc.constant("labels" as const),
    hard: fc.constantFrom({}, { zone: "!a" }),
    soft: fc.constantFrom<Record<string, string>>({}, { zone: "b" }),
  }),
);
const requests = fc
  .record({ cpu: fc.nat({ max: 3 }), gpu: fc.constantFrom(0, 0, 0.5, 1, 2), zone: fc.boolean(), strategy: strategies })
  .map(({ cpu, gpu, zone, strategy }): ResourceRequest => {
    const units = { CPU: cpu * unitsPerOne, ...(gpu > 0 && { GPU: gpu * unitsPerOne }) };
    return { held: units, placement: units, labelSelector: zone ? { zone: "in(a,b)" } : {}, strategy };
  });
const machines = fc.record({
  cpus: fc.nat({ max: 6 }),
  gpus: fc.nat({ max: 2 }),
  zone: fc.constantFrom("a", "b", "c"),
});

function nodeOf(id: string, { cpus, gpus, zone }: { cpus: number; gpus: number; zone: string }) {
  const ids = Array.from({ length: gpus }, (_, index) => String(index));
  return newNode(id, { CPU: cpus * unitsPerOne, GPU: gpus * unitsPerOne }, ids, { zone });
}

test("the ledger decides as the pure function over all nodes does, whatever was taken, given back, added and removed", () => {
  const steps = fc.oneof(
    { weight: 8, arbitrary: requests.map((request) => ({ request })) },
    { weight: 4, arbitrary: fc.constant({ giveBack: true }) },
    { weight: 1, arbitrary: machines.map((machine) => ({ machine })) },
    { weight: 1, arbitrary: fc.nat({ max: 30 }).map((remove) => ({ remove })) },
  );
  fc.assert(
    fc.property(
      fc.array(machines, { minLength: 6, maxLength: 40 }),
      fc.array(steps, { maxLength: 80 }),
      (all, todo) => {
        const ledger = new Ledger(all.map((machine, index) => nodeOf(`n${index}`, machine)));
        const leases: { nodeId: string; units: Record<string, number>; gpus: Record<string, number> }[] = [];
        let count = all.length;
        for (const step of todo) {
          if ("machine" in step) {
            ledger.add(nodeOf(`n${count}`, step.machine));
            count += 1;
          } else if ("remove" in step) ledger.remove(`n${step.remove}`);
          else if ("giveBack" in step) {
            const lease = leases.shift();
            if (lease) ledger.update(lease.nodeId, (view) => giveBack(view, lease));
          } else {
            const decision = place(step.request, ledger.views);
            const chosen = ledger.choose(step.request, shapeOf(step.request));
            expect(chosen).toBe(decision.kind === "placed" ? decision.nodeId : undefined);
            if (chosen === undefined) {
              expect(ledger.explain(step.request, shapeOf(step.request)).length).toBeGreaterThan(0);
              continue;
            }
            const taken = take(ledger.get(chosen) as NonNullable<ReturnType<Ledger["get"]>>, step.request.held);
            if (!taken) throw new Error("what was chosen cannot be taken");
            ledger.update(chosen, () => taken.node);
            leases.push(taken.lease as (typeof leases)[number]);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("waiters get what is given back oldest first, whatever they want, and each that still waits can say why", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 60 }), fc.nat({ max: 12 }), (wanted, nodes) => {
      const machine = { cpus: 3, gpus: 0, zone: "a" };
      const all = Array.from({ length: nodes }, (_, index) => nodeOf(`n${index}`, machine));
      const scheduler = new Scheduler(all, () => ({ gone: "there are no groups" }), true);
      // The same rule, one waiter at a time in the order of asking.
      const ledger = new Ledger(all);
      let waiting = wanted.map((cpus, id) => ({ id, request: cpuRequest(cpus + 1) }));
      const granted: number[] = [];
      const grants: Grant[] = [];
      for (const { id, request } of waiting) {
        scheduler.ask({
          kind: "task",
          id: String(id),
          name: "",
          request,
          granted: (grant) => {
            granted.push(id);
            grants.push(grant);
          },
          refused: () => {
            throw new Error("the cluster may grow");
          },
        });
      }
      const expected: number[] = [];
      const leases: { nodeId: string; units: Readonly<Record<string, number>>; gpus: Record<string, number> }[] = [];
      const tryAll = () => {
        waiting = waiting.filter(({ id, request }) => {
          const decision = place(request, ledger.views);
          if (decision.kind !== "placed") return true;
          const taken = take(ledger.get(decision.nodeId) as (typeof all)[number], request.held);
          ledger.update(decision.nodeId, () => taken?.node as (typeof all)[number]);
          leases.push(taken?.lease as (typeof leases)[number]);
          expected.push(id);
          return false;
        });
      };
      tryAll();
      for (let freed = 0; freed < grants.length; freed += 1) {
        expect(granted).toEqual(expected);
        const pending = scheduler.pending();
        expect(pending.map(({ id }) => Number(id))).toEqual(waiting.map(({ id }) => id));
        for (const { reasons } of pending) expect(reasons.join()).toMatch(/CPU|no node/);
        const lease = leases[freed] as (typeof leases)[number];
        ledger.update(lease.nodeId, (view) => giveBack(view, lease));
        tryAll();
        grants[freed]?.release();
      }
      expect(granted).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

test("many that want the same cost one try each time something is given back", () => {
  const scheduler = new Scheduler([], () => ({ gone: "there are no groups" }), true);
  let tries = 0;
  const waiter = (id: number, key: string) => ({
    kind: "actor" as const,
    id: String(id),
    name: "",
    sinceMs: 0,
    required: {},
    reasons: ["none is free"],
    key,
    attempt() {
      tries += 1;
      return false;
    },
  });
  for (let id = 0; id < 10_000; id += 1) scheduler.wait(waiter(id, `shape ${id % 3}`));
  tries = 0;
  for (let pump = 0; pump < 100; pump += 1) scheduler.pump();
  expect(tries).toBe(300);
  expect(scheduler.pending()).toHaveLength(10_000);
});

function cpuRequest(cpus: number): ResourceRequest {
  const units = { CPU: cpus * unitsPerOne };
  return { held: units, placement: units, labelSelector: {}, strategy: { kind: "default" } };
}
