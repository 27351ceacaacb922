import fc from "fast-check";
import { expect, test } from "vitest";
import {
  giveBack,
  type Lease,
  labelMatches,
  type NodeView,
  newNode,
  place,
  placeBundles,
  type ResourceRequest,
  take,
  toUnits,
  unitsPerOne,
} from "../../../runtime/scheduling/index.ts";

const request = (cpu: number, gpu: number): ResourceRequest => {
  const units = { CPU: cpu, GPU: gpu };
  return { held: units, placement: units, labelSelector: {}, strategy: { kind: "default" } };
};

const amounts = fc.record({
  cpu: fc.nat({ max: 5 * unitsPerOne }),
  gpu: fc.oneof(
    fc.nat({ max: unitsPerOne - 1 }),
    fc.nat({ max: 5 }).map((n) => n * unitsPerOne),
  ),
});
const nodesOf = fc
  .array(fc.record({ cpus: fc.nat({ max: 4 }), gpus: fc.nat({ max: 4 }) }), { maxLength: 4 })
  .map((all) =>
    all.map(({ cpus, gpus }, index) => {
      const total = { CPU: cpus * unitsPerOne, GPU: gpus * unitsPerOne };
      return newNode(
        `n${index}`,
        total,
        Array.from({ length: gpus }, (_, i) => String(i)),
        {},
      );
    }),
  );

function sound(node: NodeView): void {
  for (const [name, free] of Object.entries(node.free)) {
    expect(free).toBeGreaterThanOrEqual(0);
    expect(free).toBeLessThanOrEqual(node.total[name] ?? 0);
  }
  const gpus = Object.values(node.gpus);
  expect(gpus.every((free) => free >= 0 && free <= unitsPerOne)).toBe(true);
  expect(gpus.reduce((a, b) => a + b, 0)).toBe(node.free["GPU"]);
}

test("whatever is asked for and given back, no node and no device is ever over-committed, and nothing is lost", () => {
  fc.assert(
    fc.property(
      nodesOf,
      fc.array(fc.oneof(amounts, fc.constant("giveBack" as const)), { maxLength: 40 }),
      (start, steps) => {
        const nodes = [...start];
        const leases: Lease[] = [];
        for (const step of steps) {
          if (step === "giveBack") {
            const lease = leases.shift();
            const index = nodes.findIndex(({ id }) => id === lease?.nodeId);
            if (lease) nodes[index] = giveBack(nodes[index] as NodeView, lease);
            continue;
          }
          const decision = place(request(step.cpu, step.gpu), nodes);
          if (decision.kind !== "placed") {
            expect(decision.refusals.length).toBeGreaterThanOrEqual(Math.max(1, nodes.length));
            for (const { reason } of decision.refusals) expect(reason).not.toBe("");
            if (decision.kind === "infeasible") {
              expect(place(request(step.cpu, step.gpu), start).kind).toBe("infeasible");
            } else {
              expect(place(request(step.cpu, step.gpu), start).kind).toBe("placed");
            }
            continue;
          }
          const index = nodes.findIndex(({ id }) => id === decision.nodeId);
          const taken = take(nodes[index] as NodeView, request(step.cpu, step.gpu).held);
          expect(taken).toBeDefined();
          if (taken) {
            nodes[index] = taken.node;
            leases.push(taken.lease);
          }
          nodes.forEach(sound);
        }
        for (const lease of leases) {
          const index = nodes.findIndex(({ id }) => id === lease.nodeId);
          nodes[index] = giveBack(nodes[index] as NodeView, lease);
        }
        expect(nodes).toEqual(start);
      },
    ),
    { numRuns: 300 },
  );
});

test("bundles are placed all or none, by their strategy's rule, and a refusal says why", () => {
  const strategies = fc.constantFrom("PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD" as const);
  fc.assert(
    fc.property(nodesOf, fc.array(amounts, { minLength: 1, maxLength: 4 }), strategies, (nodes, asked, strategy) => {
      const bundles = asked.map(({ cpu, gpu }) => ({ units: { CPU: cpu, GPU: gpu }, labelSelector: {} }));
      const decision = placeBundles(bundles, strategy, nodes);
      if (decision.kind !== "placed") {
        expect(decision.kind).toBe("infeasible");
        expect(decision.reasons.length).toBeGreaterThan(0);
        return;
      }
      decision.nodes.forEach(sound);
      const used = decision.leases.map(({ nodeId }) => nodeId);
      expect(used).toHaveLength(bundles.length);
      if (strategy === "STRICT_PACK") expect(new Set(used).size).toBe(1);
      if (strategy === "STRICT_SPREAD") expect(new Set(used).size).toBe(bundles.length);
    }),
    { numRuns: 300 },
  );
});

test("work is packed on the first node until it is half full, then spread; CPU work avoids GPU nodes", () => {
  const node = (id: string, gpus: string[]) =>
    newNode(id, { CPU: 4 * unitsPerOne, GPU: gpus.length * unitsPerOne }, gpus, {});
  const nodes = [node("gpu", ["0"]), node("a", []), node("b", [])];
  const order: string[] = [];
  for (let i = 0; i < 6; i += 1) {
    const decision = place(request(unitsPerOne, 0), nodes);
    if (decision.kind !== "placed") break;
    order.push(decision.nodeId);
    const index = nodes.findIndex(({ id }) => id === decision.nodeId);
    nodes[index] = take(nodes[index] as NodeView, { CPU: unitsPerOne })?.node as NodeView;
  }
  expect(order).toEqual(["a", "a", "b", "b", "a", "b"]);
});

test("placement strategies and labels choose and refuse by name", () => {
  const total = { CPU: unitsPerOne };
  const nodes = [newNode("a", total, [], { zone: "x" }), newNode("b", total, [], { zone: "y" })];
  const by = (strategy: ResourceRequest["strategy"], labelSelector = {}) =>
    place({ ...request(1, 0), labelSelector, strategy }, nodes);
  expect(by({ kind: "node", nodeId: "b", soft: false })).toMatchObject({ kind: "placed", nodeId: "b" });
  expect(by({ kind: "node", nodeId: "c", soft: true })).toMatchObject({ kind: "placed", nodeId: "a" });
  expect(by({ kind: "node", nodeId: "c", soft: false })).toMatchObject({ kind: "infeasible" });
  expect(by({ kind: "labels", hard: {}, soft: { zone: "y" } })).toMatchObject({ nodeId: "b" });
  expect(by({ kind: "default" }, { zone: "!x" })).toMatchObject({ nodeId: "b" });
  expect(by({ kind: "default" }, { zone: "z" })).toMatchObject({ kind: "infeasible" });
});

test("the label grammar is v, !v, in(a,b) and !in(a,b)", () => {
  const table: [string, string | undefined, boolean][] = [
    ["a", "a", true],
    ["a", "b", false],
    ["a", undefined, false],
    ["!a", "b", true],
    ["!a", "a", false],
    ["!a", undefined, true],
    ["in(a, b)", "b", true],
    ["in(a,b)", "c", false],
    ["!in(a,b)", "c", true],
    ["!in(a,b)", "a", false],
  ];
  for (const [expression, value, matches] of table) expect(labelMatches(expression, value), expression).toBe(matches);
});

test("amounts are exact to 0.0001, memory to the byte of a very large machine", () => {
  expect(toUnits("CPU", 0.1 + 0.2)).toBe(3000);
  expect(toUnits("CPU", 0.00005)).toBeUndefined();
  expect(toUnits("memory", 8 * 2 ** 40)).toBe(8 * 2 ** 40);
  expect(toUnits("CPU", Number.NaN)).toBeUndefined();
});
