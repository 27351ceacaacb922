// A set of views that leases are taken from, in their order: the nodes, or a group's bundles. For each shape of request that
// is asked for often it keeps an index, so that a decision among a thousand nodes does not look at each of them.
import { type NodeView, PlaceIndex, place, type ResourceRequest, refusalOf } from "../scheduling/index.ts";

/** Fewer views than this are looked at one by one. */
const indexedFrom = 8;
/** Shapes with an index; the one that was asked for longest ago gives way. */
const mostIndexes = 32;

interface Indexed {
  readonly index: PlaceIndex;
  /** How much of the changes it knows. */
  seen: number;
}

export class Ledger {
  readonly #views: NodeView[] = [];
  readonly #places = new Map<string, number>();
  readonly #indexes = new Map<string, Indexed>();
  /** The places that have changed, oldest first; `#forgotten` older ones are dropped. */
  #changes: number[] = [];
  #forgotten = 0;
  #version = 0;
  #explained: { readonly version: number; readonly reasons: Map<string, readonly string[]> } | undefined;

  constructor(views: readonly NodeView[]) {
    for (const view of views) this.add(view);
  }

  get views(): readonly NodeView[] {
    return this.#views;
  }

  get(id: string): NodeView | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#views[place];
  }

  /** Adds a view, or replaces the one of its id. */
  add(view: NodeView): void {
    const place = this.#places.get(view.id) ?? this.#views.length;
    this.#places.set(view.id, place);
    this.#views[place] = view;
    this.#version += 1;
    if (this.#indexes.size === 0) return;
    this.#changes.push(place);
    // Whoever has seen less than what is kept begins anew.
    if (this.#changes.length <= 4 * this.#views.length + 64) return;
    const half = this.#changes.length >> 1;
    this.#changes = this.#changes.slice(half);
    this.#forgotten += half;
  }

  remove(id: string): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#views.splice(place, 1);
    this.#places.clear();
    for (const [index, view] of this.#views.entries()) this.#places.set(view.id, index);
    this.#version += 1;
    this.#indexes.clear();
  }

  /** Replaces the view of this id; nothing where there is none any more. */
  update(id: string, change: (view: NodeView) => NodeView): void {
    const view = this.get(id);
    if (view) this.add(change(view));
  }

  /** The view that `place` decides for; undefined where none takes the request now. `shape`: of `shapeOf(request)`. */
  choose(request: ResourceRequest, shape: string): string | undefined {
    const { strategy } = request;
    if (strategy.kind === "node") {
      const wanted = this.get(strategy.nodeId);
      if (wanted && !refusalOf(request, wanted)) return wanted.id;
      if (!strategy.soft) return undefined;
    }
    if (this.#views.length < indexedFrom) {
      const decision = place(request, this.#views);
      return decision.kind === "placed" ? decision.nodeId : undefined;
    }
    const chosen = this.#index(request, shape).choose();
    return chosen === undefined ? undefined : this.#views[chosen]?.id;
  }

  /** Why none of the views takes the request, one line for each reason. */
  explain(request: ResourceRequest, shape: string): readonly string[] {
    if (this.#explained?.version !== this.#version) this.#explained = { version: this.#version, reasons: new Map() };
    const { reasons } = this.#explained;
    // Of those that name a node, only that node's answer is of interest.
    const key = request.strategy.kind === "node" ? `${request.strategy.nodeId} ${shape}` : shape;
    let known = reasons.get(key);
    if (!known) {
      const decision = place(request, this.#views);
      known = decision.kind === "placed" ? [] : together(decision.refusals);
      reasons.set(key, known);
    }
    return known;
  }

  #index(request: ResourceRequest, shape: string): PlaceIndex {
    const known = this.#indexes.get(shape);
    this.#indexes.delete(shape);
    const latest = this.#forgotten + this.#changes.length;
    let indexed = known;
    if (indexed === undefined || indexed.seen < this.#forgotten) {
      const strategy = request.strategy.kind === "node" ? ({ kind: "default" } as const) : request.strategy;
      indexed = { index: new PlaceIndex({ ...request, strategy }), seen: latest };
      for (const [at, view] of this.#views.entries()) indexed.index.set(at, view);
    } else {
      const changed = this.#changes.slice(indexed.seen - this.#forgotten);
      for (const at of changed.length > 1 ? new Set(changed) : changed) indexed.index.set(at, this.#views[at]);
      indexed.seen = latest;
    }
    this.#indexes.set(shape, indexed);
    const [oldest] = this.#indexes.size > mostIndexes ? this.#indexes.keys() : [];
    if (oldest !== undefined) this.#indexes.delete(oldest);
    return indexed.index;
  }
}

/** What decides where a request may go, as one text: requests with equal texts have the same places to choose from. */
export function shapeOf({ placement, labelSelector, strategy }: ResourceRequest): string {
  const free = strategy.kind === "node" ? { kind: "default" } : strategy;
  return JSON.stringify([placement, labelSelector, free]);
}

/** Nodes whose names stand beside one reason. */
const namesShown = 3;

/** A line for each node, where they are few; else one for each reason, with how many nodes give it. */
function together(refusals: readonly { readonly nodeId: string; readonly reason: string }[]): string[] {
  const line = (nodeId: string, reason: string): string => (nodeId === "" ? reason : `${nodeId}: ${reason}`);
  if (refusals.length < 2 * indexedFrom) return refusals.map(({ nodeId, reason }) => line(nodeId, reason));
  const nodesOf = new Map<string, string[]>();
  for (const { nodeId, reason } of refusals) {
    const nodes = nodesOf.get(reason);
    if (nodes) nodes.push(nodeId);
    else nodesOf.set(reason, [nodeId]);
  }
  return [...nodesOf].map(([reason, nodes]) => {
    if (nodes.length <= namesShown) return line(nodes.join(", "), reason);
    return `${nodes.length} nodes (${nodes.slice(0, namesShown).join(", ")}, …): ${reason}`;
  });
}
