// Placement groups where the nodes' ledger is: reserved all at once, waiting, removed, or such as these nodes can never
// hold.
import type {
  Bundle,
  NodeId,
  PlacementGroupId,
  PlacementGroupState,
  PlacementGroupStateName,
  PlacementStrategy,
} from "../core/index.ts";
import {
  assignBundles,
  type BundleRequest,
  bundleNode,
  explainBundles,
  fromUnits,
  giveBack,
  type Lease,
  type NodeView,
  plus,
  type Units,
  without,
} from "../scheduling/index.ts";
import { Ledger } from "./ledger.ts";
import type { GroupView, Scheduler } from "./scheduler.ts";
import type { Waiter } from "./waiting-line.ts";

/** A group as it is asked for; its bundles are checked. */
export interface GroupRequest {
  readonly id: PlacementGroupId;
  readonly name: string;
  readonly strategy: PlacementStrategy;
  readonly bundles: readonly Bundle[];
  readonly requests: readonly BundleRequest[];
}

/** How a group's waiting ends. */
export interface GroupListener {
  created(): void;
  infeasible(reasons: readonly string[]): void;
}

interface GroupRecord {
  readonly group: GroupRequest;
  readonly listener: GroupListener;
  state: PlacementGroupStateName;
  /** Why it waits, worked out when somebody asks. */
  why: () => Why;
  leases: readonly Lease[];
  ledger: Ledger | undefined;
  withdraw: () => void;
  /** Its bundles have been given back. */
  given: boolean;
}

export class GroupTable {
  readonly #records = new Map<string, GroupRecord>();

  has(id: string): boolean {
    return this.#records.has(id);
  }

  /** Reserves the bundles now, or as soon as they are free. The listener may be called before this returns. */
  create(group: GroupRequest, scheduler: Scheduler, listener: GroupListener): void {
    const record: GroupRecord = {
      group,
      listener,
      state: "PENDING",
      why: none,
      leases: [],
      ledger: undefined,
      withdraw: () => {},
      given: false,
    };
    this.#records.set(group.id, record);
    record.withdraw = scheduler.wait(new GroupWaiter(record, scheduler));
    scheduler.pump();
  }

  /** Takes up a group whose bundles were reserved before, as a head does that starts again. */
  restore(group: GroupRequest, leases: readonly Lease[], scheduler: Scheduler, listener: GroupListener): void {
    const record: GroupRecord = {
      group,
      listener,
      state: "CREATED",
      why: none,
      leases,
      // Until its node is back, nothing of a bundle can be given to anybody.
      ledger: new Ledger(leases.map((lease, index) => nothingFree(bundleView(lease, index, scheduler)))),
      withdraw: () => {},
      given: false,
    };
    this.#records.set(group.id, record);
  }

  /** From now on nothing more is placed in the group, and what waits for it is refused. */
  close(id: string, scheduler: Scheduler): void {
    const record = this.#records.get(id);
    if (!record) return;
    record.withdraw();
    record.state = "REMOVED";
    record.ledger = undefined;
    scheduler.pump();
  }

  /** The group's state; undefined where there is none. */
  get(id: string): PlacementGroupStateName | undefined {
    return this.#records.get(id)?.state;
  }

  /** A node is back after its ledger was lost: its bundles are taken from it again. */
  nodeCameBack(nodeId: string, scheduler: Scheduler): void {
    for (const { leases, ledger } of this.#records.values()) {
      for (const [index, lease] of leases.entries()) {
        if (lease.nodeId !== nodeId) continue;
        scheduler.nodes.update(nodeId, (view) => without(view, lease));
        ledger?.add(bundleView(lease, index, scheduler));
      }
    }
  }

  /** Bundles on a dead node wait for a place elsewhere; the others stay where they are. */
  nodeDied(nodeId: string, scheduler: Scheduler): void {
    for (const record of this.#records.values()) {
      const lost = [...record.leases.entries()].filter(([, lease]) => lease.nodeId === nodeId).map(([index]) => index);
      if (lost.length === 0 || record.state === "REMOVED") continue;
      for (const index of lost) record.ledger?.update(bundleId(index), nothingFree);
      record.state = "RESCHEDULING";
      record.withdraw();
      record.withdraw = scheduler.wait(new GroupWaiter(record, scheduler, lost));
    }
  }

  /** Gives the bundles back; false where there is no such group any more. Its actors must have ended. */
  remove(id: string, scheduler: Scheduler): boolean {
    const record = this.#records.get(id);
    if (!record || record.given) return false;
    this.close(id, scheduler);
    record.given = true;
    for (const lease of record.leases) scheduler.nodes.update(lease.nodeId, (view) => giveBack(view, lease));
    record.leases = [];
    record.why = none;
    scheduler.pump();
    return true;
  }

  /** Drops what is remembered of a removed group. */
  forget(id: string): void {
    this.#records.delete(id);
  }

  leases(id: string): readonly Lease[] {
    return this.#records.get(id)?.leases ?? [];
  }

  /** What the scheduler may take from. */
  view(id: string): GroupView {
    const record = this.#records.get(id);
    if (!record) return { gone: `there is no placement group ${id}` };
    if (record.ledger) return record.ledger;
    if (record.state === "PENDING")
      return { pending: `placement group ${nameOf(record.group)} is pending: ${record.why().reasons.join("; ")}` };
    const what = record.state === "REMOVED" ? "was removed" : `can never be placed: ${record.why().reasons.join("; ")}`;
    return { gone: `placement group ${nameOf(record.group)} ${what}` };
  }

  table(): PlacementGroupState[] {
    return [...this.#records.values()].map(({ group, state, leases, ledger, why }) => ({
      ...pendingBecause(why()),
      placementGroupId: group.id,
      name: group.name,
      strategy: group.strategy,
      state,
      bundles: group.bundles.map((resources, bundleIndex) => ({
        bundleIndex,
        resources,
        nodeId: (leases[bundleIndex]?.nodeId ?? null) as NodeId | null,
        gpuIds: Object.keys(leases[bundleIndex]?.gpus ?? {}),
        available: fromUnits(ledger?.views[bundleIndex]?.free ?? {}),
      })),
    }));
  }
}

/** Waits for a place for all bundles of a group, or for those that lost theirs. */
class GroupWaiter implements Waiter {
  readonly kind = "placementGroup";
  readonly id: string;
  readonly name: string;
  readonly sinceMs = Date.now();
  readonly #record: GroupRecord;
  readonly #scheduler: Scheduler;
  readonly #lost: readonly number[] | undefined;

  constructor(record: GroupRecord, scheduler: Scheduler, lost?: readonly number[]) {
    this.#lost = lost;
    this.id = record.group.id;
    this.name = record.group.name;
    this.#record = record;
    this.#scheduler = scheduler;
  }

  get required() {
    const { requests } = this.#record.group;
    return requests.reduce<Record<string, number>>((sum, { units }) => ({ ...plus(sum, units) }), {});
  }

  get reasons() {
    return this.#record.why().reasons;
  }

  attempt(): boolean {
    if (this.#lost) return this.#move(this.#lost);
    const record = this.#record;
    const { requests, strategy } = record.group;
    const views = () => this.#scheduler.nodes.views;
    const decision = assignBundles(requests, strategy, views());
    if (!decision) {
      record.why = () => explainBundles(requests, strategy, views());
      if (this.#scheduler.mayGrow) return false;
      const { kind, reasons } = explainBundles(requests, strategy, views());
      if (kind === "wait") return false;
      record.why = () => ({ kind, reasons });
      record.state = "INFEASIBLE";
      record.listener.infeasible(reasons);
      return true;
    }
    for (const view of decision.nodes) this.#scheduler.nodes.update(view.id, () => view);
    record.leases = decision.leases;
    record.ledger = ledgerOf(decision.leases, this.#scheduler);
    record.state = "CREATED";
    record.why = none;
    record.listener.created();
    return true;
  }

  #move(lost: readonly number[]): boolean {
    const record = this.#record;
    const { requests, strategy } = record.group;
    const kept = new Set(record.leases.flatMap((lease, index) => (lost.includes(index) ? [] : [lease.nodeId])));
    const views = () => this.#scheduler.nodes.views.filter(({ id }) => strategy !== "STRICT_SPREAD" || !kept.has(id));
    const wanted = lost.map((index) => requests[index] as BundleRequest);
    const decision = assignBundles(wanted, strategy, views());
    if (!decision) {
      record.why = () => explainBundles(wanted, strategy, views());
      return false;
    }
    for (const view of decision.nodes) this.#scheduler.nodes.update(view.id, () => view);
    const leases = [...record.leases];
    for (const [at, index] of lost.entries()) leases[index] = decision.leases[at] as Lease;
    record.leases = leases;
    for (const index of lost) record.ledger?.add(bundleView(leases[index] as Lease, index, this.#scheduler));
    record.state = "CREATED";
    record.why = none;
    record.listener.created();
    return true;
  }
}

/** Why a group waits. */
interface Why {
  readonly kind: "wait" | "infeasible";
  readonly reasons: readonly string[];
}

const none = (): Why => ({ kind: "wait", reasons: [] });

function pendingBecause({ kind, reasons }: Why): Pick<PlacementGroupState, "pendingReasons" | "infeasible"> {
  return { pendingReasons: reasons, infeasible: kind === "infeasible" };
}

/** The bundles as places of their own. */
function ledgerOf(leases: readonly Lease[], scheduler: Scheduler): Ledger {
  return new Ledger(leases.map((lease, index) => bundleView(lease, index, scheduler)));
}

const bundleId = (index: number): string => `bundle ${index}`;

function bundleView(lease: Lease, index: number, scheduler: Scheduler): NodeView {
  const labels = scheduler.nodes.get(lease.nodeId)?.labels ?? {};
  return bundleNode(bundleId(index), lease, labels, lease.nodeId);
}

/** A bundle whose node is not there: nothing can be taken of it, or given back to it. */
function nothingFree(view: NodeView): NodeView {
  const zero = (units: Units) => Object.fromEntries(Object.keys(units).map((name) => [name, 0]));
  return { ...view, home: "", free: zero(view.free), gpus: zero(view.gpus) };
}

/** A group's name in messages. */
export function nameOf({ name, id }: { readonly name: string; readonly id: string }): string {
  return name === "" ? id : `"${name}"`;
}
