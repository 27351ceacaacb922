// Keeps the node's ledger and everything that waits for a part of it. The decisions are scheduling/'s pure functions;
// this file only applies them, in order of asking, whenever something is given back.
import type { PendingReason } from "../core/index.ts";
import {
  type Decision,
  fromUnits,
  giveBack,
  type Lease,
  type NodeView,
  place,
  type ResourceRequest,
  take,
  toAmount,
  type Units,
  without,
} from "../scheduling/index.ts";

/** A lease and the ledger it is of: the nodes', or a placement group's. */
export interface GrantedLease extends Lease {
  readonly groupId: string | null;
  /** The node it is on, whatever it was taken from. */
  readonly home: string;
  readonly shareGpus: boolean;
}

/** What a task or an actor has been given. */
export interface Grant {
  readonly nodeId: string;
  /** What was taken, and of which group's bundle; it can be stored, and taken up again with `Scheduler.takeUp`. */
  readonly lease: GrantedLease;
  readonly gpuIds: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
  release(): void;
  /** Lends the CPUs back while a task waits; the function given back takes them again, even if none is free. */
  lendCpus(): () => void;
}

/** Why a request can never be granted. */
export interface Refused {
  readonly kind: "unschedulable" | "groupRemoved";
  readonly reasons: readonly string[];
}

export interface Ask {
  readonly kind: "actor" | "task";
  readonly id: string;
  readonly name: string;
  readonly request: ResourceRequest;
  granted(grant: Grant): void;
  refused(refused: Refused): void;
}

/** A set of views that leases are taken from, in their order: the nodes, or a group's bundles. */
export class Ledger {
  readonly #views: NodeView[] = [];
  readonly #places = new Map<string, number>();

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
  }

  remove(id: string): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#views.splice(place, 1);
    this.#places.clear();
    for (const [index, view] of this.#views.entries()) this.#places.set(view.id, index);
  }

  /** Replaces the view of this id; nothing where there is none any more. */
  update(id: string, change: (view: NodeView) => NodeView): void {
    const view = this.get(id);
    if (view) this.add(change(view));
  }
}

/** Something that waits; `attempt` says whether it need not wait any longer. */
export interface Waiter {
  readonly kind: PendingReason["kind"];
  readonly id: string;
  readonly name: string;
  readonly sinceMs: number;
  readonly required: Units;
  readonly reasons: readonly string[];
  attempt(): boolean;
}

/** The bundles of a placement group, or why there are none. */
export type GroupView = Ledger | { readonly pending: string } | { readonly gone: string };

export class Scheduler {
  readonly nodes: Ledger;
  /** Nodes may join later: what none of these could ever take waits for one that can, and says why. */
  readonly mayGrow: boolean;
  readonly #groupView: (groupId: string) => GroupView;
  readonly #waiting = new Set<Waiter>();

  constructor(nodes: readonly NodeView[], groupView: (groupId: string) => GroupView, mayGrow = false) {
    this.nodes = new Ledger(nodes);
    this.#groupView = groupView;
    this.mayGrow = mayGrow;
  }

  /** Asks for a place. The answer may come before this returns. The function given back withdraws the question. */
  ask(ask: Ask): () => void {
    return this.wait(
      new AskWaiter(ask, (groupId) => (groupId === undefined ? this.nodes : this.#groupView(groupId)), this),
    );
  }

  /** Adds something that waits. The function given back takes it away. */
  wait(waiter: Waiter): () => void {
    if (!waiter.attempt()) this.#waiting.add(waiter);
    return () => this.#waiting.delete(waiter);
  }

  /** Takes up a lease that was granted before, as a head does that was started again. */
  takeUp(lease: GrantedLease): Grant | undefined {
    const ledger = lease.groupId === null ? this.nodes : this.#groupView(lease.groupId);
    if (!(ledger instanceof Ledger)) return undefined;
    ledger.update(lease.nodeId, (view) => without(view, lease));
    return new LedgerGrant(lease, ledger, this);
  }

  /** Something changed: lets everybody try again, oldest first. */
  pump(): void {
    for (const waiter of [...this.#waiting]) {
      if (this.#waiting.has(waiter) && waiter.attempt()) this.#waiting.delete(waiter);
    }
  }

  pending(): PendingReason[] {
    return [...this.#waiting].map(({ kind, id, name, sinceMs, required, reasons }) => {
      return { kind, id, name, sinceMs, required: fromUnits(required), reasons };
    });
  }
}

class AskWaiter implements Waiter {
  readonly kind: "actor" | "task";
  readonly id: string;
  readonly name: string;
  readonly sinceMs = Date.now();
  readonly required: Units;
  reasons: readonly string[] = [];
  readonly #ask: Ask;
  readonly #ledger: (groupId: string | undefined) => GroupView;
  readonly #scheduler: Scheduler;

  constructor(ask: Ask, ledger: (groupId: string | undefined) => GroupView, scheduler: Scheduler) {
    this.kind = ask.kind;
    this.id = ask.id;
    this.name = ask.name;
    this.required = ask.request.placement;
    this.#ask = ask;
    this.#ledger = ledger;
    this.#scheduler = scheduler;
  }

  attempt(): boolean {
    const { request } = this.#ask;
    const { strategy } = request;
    const inGroup = strategy.kind === "placementGroup";
    const ledger = this.#ledger(inGroup ? strategy.groupId : undefined);
    if ("gone" in ledger) return this.#refuse("groupRemoved", [ledger.gone]);
    if ("pending" in ledger) {
      this.reasons = [ledger.pending];
      return false;
    }
    const any = !inGroup || strategy.bundleIndex === -1;
    const views = any ? ledger.views : ledger.views.slice(strategy.bundleIndex, strategy.bundleIndex + 1);
    const decision: Decision = place(request, views);
    if (decision.kind === "placed") return this.#grant(ledger, decision.nodeId);
    this.reasons = decision.refusals.map(({ nodeId, reason }) => (nodeId === "" ? reason : `${nodeId}: ${reason}`));
    // A bundle never grows; the cluster may.
    const final = decision.kind === "infeasible" && (inGroup || !this.#scheduler.mayGrow);
    return final && this.#refuse("unschedulable", this.reasons);
  }

  #refuse(kind: Refused["kind"], reasons: readonly string[]): true {
    this.#ask.refused({ kind, reasons });
    return true;
  }

  #grant(ledger: Ledger, nodeId: string): boolean {
    const { strategy, held } = this.#ask.request;
    const view = ledger.get(nodeId);
    const taken = view && take(view, held);
    if (!taken) return false;
    ledger.update(nodeId, () => taken.node);
    const inGroup = strategy.kind === "placementGroup";
    const lease: GrantedLease = {
      ...taken.lease,
      groupId: inGroup ? strategy.groupId : null,
      home: view.home ?? view.id,
      shareGpus: inGroup && strategy.shareGpus,
    };
    this.#ask.granted(new LedgerGrant(lease, ledger, this.#scheduler));
    return true;
  }
}

class LedgerGrant implements Grant {
  readonly nodeId: string;
  readonly gpuIds: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
  readonly lease: GrantedLease;
  readonly #ledger: Ledger;
  readonly #scheduler: Scheduler;
  #released = false;
  #lent = 0;

  constructor(lease: GrantedLease, ledger: Ledger, scheduler: Scheduler) {
    this.lease = lease;
    this.nodeId = lease.home;
    const gpus = lease.shareGpus ? (ledger.get(lease.nodeId)?.gpuTotals ?? {}) : lease.gpus;
    this.gpuIds = Object.keys(gpus);
    this.resources = Object.fromEntries(Object.entries(lease.units).map(([name, n]) => [name, toAmount(name, n)]));
    this.#ledger = ledger;
    this.#scheduler = scheduler;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    const { CPU = 0, ...others } = this.lease.units;
    const units = this.#lent > 0 ? others : { ...others, CPU };
    this.#update((view) => giveBack(view, { ...this.lease, units }));
    this.#scheduler.pump();
  }

  lendCpus(): () => void {
    this.#lent += 1;
    if (this.#lent === 1) this.#moveCpus(1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#lent -= 1;
      if (this.#lent === 0) this.#moveCpus(-1);
    };
  }

  #moveCpus(sign: 1 | -1): void {
    const cpus = (this.lease.units["CPU"] ?? 0) * sign;
    if (this.#released || cpus === 0) return;
    this.#update((view) => giveBack(view, { ...this.lease, units: { CPU: cpus }, gpus: {} }));
    if (sign === 1) this.#scheduler.pump();
  }

  /** A bundle may have moved to another node since: that one has nothing of this lease. */
  #update(change: (view: NodeView) => NodeView): void {
    const { nodeId, home } = this.lease;
    this.#ledger.update(nodeId, (view) => ((view.home ?? view.id) === home ? change(view) : view));
  }
}
