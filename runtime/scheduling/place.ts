// Where a request goes: a pure function of the request and the nodes. It either names a node, or says for every node why
// not; a request that no node could ever take is told apart from one that has to wait.
import { labelRefusal } from "./labels.ts";
import { chooseGpus, type NodeView } from "./node-view.ts";
import { toAmount, type Units } from "./quantities.ts";

/** How a request chooses among the nodes that fit. */
export type Strategy =
  | { readonly kind: "default" }
  | { readonly kind: "spread" }
  | { readonly kind: "node"; readonly nodeId: string; readonly soft: boolean }
  | {
      readonly kind: "labels";
      readonly hard: Readonly<Record<string, string>>;
      readonly soft: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "placementGroup";
      readonly groupId: string;
      readonly bundleIndex: number;
      readonly shareGpus: boolean;
    };

export interface ResourceRequest {
  /** Held for as long as the task or actor lives. */
  readonly held: Units;
  /** Must be free to be placed; `held`, and for an actor without resources of its own also one CPU. */
  readonly placement: Units;
  readonly labelSelector: Readonly<Record<string, string>>;
  readonly strategy: Strategy;
}

/** Why one node does not take a request. */
export interface Refusal {
  readonly nodeId: string;
  /** False: this node never will. */
  readonly mayChange: boolean;
  readonly reason: string;
}

export type Decision =
  | { readonly kind: "placed"; readonly nodeId: string }
  | { readonly kind: "wait"; readonly refusals: readonly Refusal[] }
  | { readonly kind: "infeasible"; readonly refusals: readonly Refusal[] };

/** Nodes busier than this take no more by packing; work is then spread. */
const packUpTo = 0.5;

/** Decides. Equal arguments give equal decisions; ties go to the earlier node. */
export function place(request: ResourceRequest, nodes: readonly NodeView[]): Decision {
  const refusals: Refusal[] = [];
  const fitting: NodeView[] = [];
  for (const node of nodes) {
    const refusal = refusalOf(request, node);
    if (refusal) refusals.push(refusal);
    else fitting.push(node);
  }
  const chosen = choose(request, fitting);
  if (chosen) return { kind: "placed", nodeId: chosen.id };
  if (nodes.length === 0) refusals.push({ nodeId: "", mayChange: false, reason: "there is no node" });
  return { kind: refusals.some(({ mayChange }) => mayChange) ? "wait" : "infeasible", refusals };
}

/** Why this node does not take this request now; undefined if it does. */
export function refusalOf(request: ResourceRequest, node: NodeView): Refusal | undefined {
  const { strategy } = request;
  const no = (mayChange: boolean, reason: string): Refusal => ({ nodeId: node.id, mayChange, reason });
  if (strategy.kind === "node" && !strategy.soft && strategy.nodeId !== node.id) {
    return no(false, `only node ${strategy.nodeId} is asked for`);
  }
  const hard = strategy.kind === "labels" ? { ...request.labelSelector, ...strategy.hard } : request.labelSelector;
  const label = labelRefusal(hard, node.labels);
  if (label) return no(false, label);
  for (const [name, need] of Object.entries(request.placement)) {
    const total = node.total[name] ?? 0;
    if (need > total) return no(false, `${name}: ${toAmount(name, need)} asked for, it has ${toAmount(name, total)}`);
  }
  const gpuNeed = request.placement["GPU"] ?? 0;
  if (!chooseGpus(node.gpuTotals, gpuNeed)) {
    return no(false, `GPU: ${one(gpuNeed)} asked for, its shares are ${shares(node.gpuTotals)}`);
  }
  for (const [name, need] of Object.entries(request.placement)) {
    const free = node.free[name] ?? 0;
    if (need > free) {
      const total = node.total[name] ?? 0;
      return no(
        true,
        `${name}: ${toAmount(name, need)} asked for, ${toAmount(name, free)} of ${toAmount(name, total)} free`,
      );
    }
  }
  if (!chooseGpus(node.gpus, gpuNeed)) {
    return no(true, `GPU: ${one(gpuNeed)} asked for, free are ${shares(node.gpus)} of single devices`);
  }
  return undefined;
}

/** How many ranks there are. */
export const ranks = 4;

/** Nodes of a lower rank are taken before others: with the labels that are preferred, then without GPUs where none is needed. */
export function rankOf({ strategy, placement }: ResourceRequest, node: NodeView): number {
  const disliked = strategy.kind === "labels" && labelRefusal(strategy.soft, node.labels) !== undefined;
  const wasted = !placement["GPU"] && (node.total["GPU"] ?? 0) > 0;
  return (disliked ? 2 : 0) + (wasted ? 1 : 0);
}

/** Whether a node that fits is still to be filled before others. */
export function isPackable({ placement }: ResourceRequest, node: NodeView): boolean {
  return usedShare(node, placement) <= packUpTo;
}

function choose(request: ResourceRequest, fitting: readonly NodeView[]): NodeView | undefined {
  const { strategy } = request;
  if (strategy.kind === "node") {
    const wanted = fitting.find(({ id }) => id === strategy.nodeId);
    if (wanted) return wanted;
  }
  const best = Math.min(...fitting.map((node) => rankOf(request, node)));
  const candidates = fitting.filter((node) => rankOf(request, node) === best);
  if (strategy.kind === "spread") return leastUsed(candidates);
  return candidates.find((node) => isPackable(request, node)) ?? leastUsed(candidates);
}

function leastUsed(nodes: readonly NodeView[]): NodeView | undefined {
  return nodes.reduce<NodeView | undefined>((best, node) => {
    return best === undefined || usedShare(node, {}) < usedShare(best, {}) ? node : best;
  }, undefined);
}

/** The largest used share of any resource of the node, with `more` taken. */
export function usedShare(node: NodeView, more: Units): number {
  let share = 0;
  for (const [name, total] of Object.entries(node.total)) {
    if (total > 0) share = Math.max(share, (total - (node.free[name] ?? 0) + (more[name] ?? 0)) / total);
  }
  return share;
}

function one(units: number): string {
  return String(toAmount("GPU", units));
}

function shares(gpus: Readonly<Record<string, number>>): string {
  return `[${Object.values(gpus).map(one).join(", ")}]`;
}
