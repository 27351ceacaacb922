// Where the bundles of a placement group go, all of them or none: a pure function of the group and the nodes.
import { labelRefusal } from "./labels.ts";
import { type Lease, type NodeView, take } from "./node-view.ts";
import { place, type Refusal, type ResourceRequest } from "./place.ts";
import type { Units } from "./quantities.ts";

export interface BundleRequest {
  readonly units: Units;
  readonly labelSelector: Readonly<Record<string, string>>;
}

/** A place for every bundle, and the nodes that are changed by it. */
export interface BundleAssignment {
  readonly leases: readonly Lease[];
  readonly nodes: readonly NodeView[];
}

export type BundleDecision =
  | ({ readonly kind: "placed" } & BundleAssignment)
  | { readonly kind: "wait" | "infeasible"; readonly reasons: readonly string[] };

type GroupStrategy = "PACK" | "SPREAD" | "STRICT_PACK" | "STRICT_SPREAD";

/** Decides for all bundles together. `infeasible`: not even if everything on these nodes were free. */
export function placeBundles(
  bundles: readonly BundleRequest[],
  strategy: GroupStrategy,
  nodes: readonly NodeView[],
): BundleDecision {
  const placed = assignBundles(bundles, strategy, nodes);
  return placed ? { kind: "placed", ...placed } : explainBundles(bundles, strategy, nodes);
}

/** Why bundles have no place; `wait`: they would have one if everything on these nodes were free. */
export function explainBundles(
  bundles: readonly BundleRequest[],
  strategy: GroupStrategy,
  nodes: readonly NodeView[],
): Exclude<BundleDecision, { readonly kind: "placed" }> {
  const empty = nodes.map((node) => ({ ...node, free: node.total, gpus: node.gpuTotals }));
  const kind = assignBundles(bundles, strategy, empty) ? "wait" : "infeasible";
  return { kind, reasons: explain(bundles, strategy, kind === "wait" ? nodes : empty) };
}

/** A place for all bundles together; undefined where there is none. */
export function assignBundles(
  bundles: readonly BundleRequest[],
  strategy: GroupStrategy,
  nodes: readonly NodeView[],
): BundleAssignment | undefined {
  switch (strategy) {
    case "STRICT_PACK":
      return onOneNode(bundles, nodes);
    case "PACK":
      return onOneNode(bundles, nodes) ?? greedily(bundles, nodes, "fullest");
    case "STRICT_SPREAD":
      return onNodesOfTheirOwn(bundles, nodes);
    case "SPREAD":
      return onNodesOfTheirOwn(bundles, nodes) ?? greedily(bundles, nodes, "emptiest");
  }
}

function onOneNode(bundles: readonly BundleRequest[], nodes: readonly NodeView[]): BundleAssignment | undefined {
  for (const node of nodes) {
    const one = greedily(bundles, [node], "fullest");
    if (one) return one;
  }
  return undefined;
}

/** Largest bundles first, each to the node with the most or the fewest bundles of this group. */
function greedily(
  bundles: readonly BundleRequest[],
  nodes: readonly NodeView[],
  prefer: "fullest" | "emptiest",
): BundleAssignment | undefined {
  const views = new Map(nodes.map((node) => [node.id, node]));
  const counts = new Map(nodes.map((node) => [node.id, 0]));
  const leases: Lease[] = [];
  const sign = prefer === "fullest" ? -1 : 1;
  for (const index of largestFirst(bundles)) {
    const bundle = bundles[index] as BundleRequest;
    const order = [...views.values()].sort((a, b) => sign * ((counts.get(a.id) ?? 0) - (counts.get(b.id) ?? 0)));
    const taken = firstTaking(bundle, order);
    if (!taken) return undefined;
    views.set(taken.node.id, taken.node);
    counts.set(taken.node.id, (counts.get(taken.node.id) ?? 0) + 1);
    leases[index] = taken.lease;
  }
  return { leases, nodes: [...views.values()].filter(({ id }) => (counts.get(id) ?? 0) > 0) };
}

function firstTaking(bundle: BundleRequest, nodes: readonly NodeView[]) {
  for (const node of nodes) {
    const taken = fits(bundle, node) ? take(node, bundle.units) : undefined;
    if (taken) return taken;
  }
  return undefined;
}

/** One node for each bundle: an augmenting-path matching, so that it is found whenever there is one. */
function onNodesOfTheirOwn(
  bundles: readonly BundleRequest[],
  nodes: readonly NodeView[],
): BundleAssignment | undefined {
  const bundleOf = new Map<string, number>();
  const find = (index: number, tried: Set<string>): boolean => {
    for (const node of nodes) {
      const bundle = bundles[index] as BundleRequest;
      if (tried.has(node.id) || !fits(bundle, node) || !take(node, bundle.units)) continue;
      tried.add(node.id);
      const holder = bundleOf.get(node.id);
      if (holder === undefined || find(holder, tried)) {
        bundleOf.set(node.id, index);
        return true;
      }
    }
    return false;
  };
  for (const index of bundles.keys()) if (!find(index, new Set())) return undefined;
  const leases: Lease[] = [];
  const after = nodes.flatMap((node) => {
    const index = bundleOf.get(node.id);
    const taken = index === undefined ? undefined : take(node, (bundles[index] as BundleRequest).units);
    if (index === undefined || !taken) return [];
    leases[index] = taken.lease;
    return [taken.node];
  });
  return { leases, nodes: after };
}

function fits(bundle: BundleRequest, node: NodeView): boolean {
  return labelRefusal(bundle.labelSelector, node.labels) === undefined;
}

function largestFirst(bundles: readonly BundleRequest[]): number[] {
  const size = (bundle: BundleRequest) => [bundle.units["GPU"] ?? 0, bundle.units["CPU"] ?? 0] as const;
  return [...bundles.keys()].sort((a, b) => {
    const [gpuA, cpuA] = size(bundles[a] as BundleRequest);
    const [gpuB, cpuB] = size(bundles[b] as BundleRequest);
    return gpuB - gpuA || cpuB - cpuA || a - b;
  });
}

function explain(bundles: readonly BundleRequest[], strategy: GroupStrategy, nodes: readonly NodeView[]): string[] {
  const lines = bundles.flatMap((bundle, index) => {
    const request: ResourceRequest = {
      held: bundle.units,
      placement: bundle.units,
      labelSelector: bundle.labelSelector,
      strategy: { kind: "default" },
    };
    const decision = place(request, nodes);
    if (decision.kind === "placed") return [];
    return decision.refusals.map((refusal: Refusal) => `bundle ${index}: node ${refusal.nodeId}: ${refusal.reason}`);
  });
  if (lines.length > 0) return lines;
  const what =
    strategy === "STRICT_SPREAD" ? "a node for each" : strategy === "STRICT_PACK" ? "all on one node" : "all at once";
  return [
    `each of the ${bundles.length} bundles fits by itself, but ${strategy} needs ${what}, and there are ${nodes.length} nodes`,
  ];
}
