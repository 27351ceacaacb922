// Keeps the node's ledger and everything that waits for a part of it. The decisions are scheduling/'s pure functions;
// this file only applies them, in order of asking, whenever something is given back.
import type { PendingReason } from "../core/index.ts";
import {
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
import { Ledger, shapeOf } from "./ledger.ts";
import { type Waiter, WaitingLine } from "./waiting-line.ts";

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

/** The bundles of a placement group, or why there are none. */
export type GroupView = Ledger | { readonly pending: string } | { readonly gone: string };

export class Scheduler {
  readonly nodes: Ledger;
  /** Nodes may join later: what none of these could ever take waits for one that can, and says why. */
  readonly mayGrow: boolean;
  readonly #groupView: (groupId: string) => GroupView;
  readonly #waiting = new WaitingLine();

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
    return () => this.#waiting.remove(waiter);
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
    this.#waiting.tryAll();
  }

  pending(): PendingReason[] {
    return this.#waiting.pending();
  }
}

class AskWaiter implements Waiter {
  readonly kind: "actor" | "task";
  readonly id: string;
  readonly name: string;
  readonly sinceMs = Date.now();
  readonly required: Units;
  readonly key: string;
  readonly #shape: string;
  readonly #ask: Ask;
  readonly #ledger: (groupId: string | undefined) => GroupView;
  readonly #scheduler: Scheduler;

  constructor(ask: Ask, ledger: (groupId: string | undefined) => GroupView, scheduler: Scheduler) {
    this.kind = ask.kind;
    this.id = ask.id;
    this.name = ask.name;
    this.required = ask.request.placement;
    this.#shape = shapeOf(ask.request);
    const { strategy, held } = ask.request;
    // What it holds need not be what it must find free.
    this.key = JSON.stringify([this.#shape, held, strategy]);
    this.#ask = ask;
    this.#ledger = ledger;
    this.#scheduler = scheduler;
  }

  attempt(): boolean {
    const { request } = this.#ask;
    const groupId = groupIdOf(request);
    const inGroup = groupId !== undefined;
    const ledger = this.#ledger(groupId);
    if ("gone" in ledger) return this.#refuse("groupRemoved", [ledger.gone]);
    if ("pending" in ledger) return false;
    const nodeId = this.#choose(ledger);
    if (nodeId !== undefined) return this.#grant(ledger, nodeId);
    // A bundle never grows; the cluster may.
    const mayGrow = !inGroup && this.#scheduler.mayGrow;
    if (mayGrow || place(request, this.#views(ledger)).kind !== "infeasible") return false;
    return this.#refuse("unschedulable", this.reasons);
  }

  /** Why it has no place now. */
  get reasons(): readonly string[] {
    const { request } = this.#ask;
    const ledger = this.#ledger(groupIdOf(request));
    if ("gone" in ledger) return [ledger.gone];
    if ("pending" in ledger) return [ledger.pending];
    const bundle = this.#bundle(ledger);
    return (bundle ?? ledger).explain(request, this.#shape);
  }

  #choose(ledger: Ledger): string | undefined {
    return (this.#bundle(ledger) ?? ledger).choose(this.#ask.request, this.#shape);
  }

  #views(ledger: Ledger): readonly NodeView[] {
    return (this.#bundle(ledger) ?? ledger).views;
  }

  /** The one bundle that is asked for; undefined where any place of the ledger may be. */
  #bundle(ledger: Ledger): Ledger | undefined {
    const { strategy } = this.#ask.request;
    if (strategy.kind !== "placementGroup" || strategy.bundleIndex === -1) return undefined;
    return new Ledger(ledger.views.slice(strategy.bundleIndex, strategy.bundleIndex + 1));
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

function groupIdOf({ strategy }: ResourceRequest): string | undefined {
  return strategy.kind === "placementGroup" ? strategy.groupId : undefined;
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
