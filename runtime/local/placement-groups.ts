// The local runtime's placement groups: reserved all at once, waiting, removed, or such as this node can never hold.
import {
  type Bundle,
  checkLabels,
  compileUnits,
  type NodeId,
  newId,
  ObjectRef,
  type PlacementGroup,
  type PlacementGroupId,
  type PlacementGroupOptions,
  type PlacementGroupState,
  type PlacementGroupStateName,
} from "../core/index.ts";
import { InvalidOptionError, PlacementGroupUnschedulableError, RaySystemError } from "../errors/index.ts";
import {
  type BundleRequest,
  bundleNode,
  fromUnits,
  giveBack,
  type Lease,
  placeBundles,
  plus,
} from "../scheduling/index.ts";
import type { Carrier } from "./carrier.ts";
import { ObjectEntry } from "./object-entry.ts";
import { type GroupView, Ledger, type Scheduler, type Waiter } from "./scheduler.ts";

interface GroupRecord {
  readonly group: PlacementGroup;
  readonly requests: readonly BundleRequest[];
  readonly entry: ObjectEntry;
  state: PlacementGroupStateName;
  reasons: readonly string[];
  leases: readonly Lease[];
  ledger: Ledger | undefined;
  withdraw: () => void;
}

const strategies = ["PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"] as const;

export class PlacementGroups {
  readonly #records = new Map<PlacementGroupId, GroupRecord>();
  readonly #carrier: Carrier;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  create(bundles: readonly Bundle[], options: PlacementGroupOptions, scheduler: Scheduler): PlacementGroup {
    const { strategy = "PACK", name = "", bundleLabelSelector } = options;
    if (!strategies.includes(strategy))
      throw InvalidOptionError.of("strategy", `one of ${strategies.join(", ")}`, strategy);
    if (bundles.length === 0) throw InvalidOptionError.of("bundles", "at least one bundle", bundles);
    if (bundleLabelSelector && bundleLabelSelector.length !== bundles.length) {
      throw InvalidOptionError.of(
        "bundleLabelSelector",
        `one selector for each of the ${bundles.length} bundles`,
        bundleLabelSelector,
      );
    }
    const requests = bundles.map((bundle, index): BundleRequest => {
      const units = compileUnits(bundle, `bundles[${index}].*`);
      if (Object.keys(units).length === 0)
        throw InvalidOptionError.of(`bundles[${index}]`, "at least one resource above 0", bundle);
      return { units, labelSelector: checkLabels(bundleLabelSelector?.[index] ?? {}, `bundleLabelSelector[${index}]`) };
    });
    const entry = new ObjectEntry(this.#carrier);
    const group: PlacementGroup = {
      id: newId<PlacementGroupId>(),
      bundles,
      strategy,
      name,
      ready: () => new ObjectRef<true>(entry),
      wait: (timeoutMs) => waitFor(entry, timeoutMs),
    };
    const record: GroupRecord = {
      group,
      requests,
      entry,
      state: "PENDING",
      reasons: [],
      leases: [],
      ledger: undefined,
      withdraw: () => {},
    };
    this.#records.set(group.id, record);
    record.withdraw = scheduler.wait(new GroupWaiter(record, this.#carrier, scheduler));
    scheduler.pump();
    return group;
  }

  /** Gives the bundles back. Its actors must have ended. */
  remove(id: PlacementGroupId, scheduler: Scheduler): void {
    const record = this.#records.get(id);
    if (!record || record.state === "REMOVED") return;
    record.state = "REMOVED";
    record.withdraw();
    for (const lease of record.leases) scheduler.nodes.update(lease.nodeId, (view) => giveBack(view, lease));
    record.leases = [];
    record.ledger = undefined;
    record.reasons = [];
    record.entry.fail(new RaySystemError(`placement group ${nameOf(record)} was removed`));
    scheduler.pump();
  }

  /** What the scheduler may take from. */
  view(id: string): GroupView {
    const record = this.#records.get(id as PlacementGroupId);
    if (!record) return { gone: `there is no placement group ${id}` };
    if (record.ledger) return record.ledger;
    if (record.state === "PENDING")
      return { pending: `placement group ${nameOf(record)} is pending: ${record.reasons.join("; ")}` };
    const what = record.state === "REMOVED" ? "was removed" : `can never be placed: ${record.reasons.join("; ")}`;
    return { gone: `placement group ${nameOf(record)} ${what}` };
  }

  table(): PlacementGroupState[] {
    return [...this.#records.values()].map(({ group, state, leases, ledger, reasons }) => ({
      placementGroupId: group.id,
      name: group.name,
      strategy: group.strategy,
      state,
      pendingReasons: reasons,
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

class GroupWaiter implements Waiter {
  readonly kind = "placementGroup";
  readonly id: string;
  readonly name: string;
  readonly sinceMs = Date.now();
  readonly #record: GroupRecord;
  readonly #carrier: Carrier;
  readonly #scheduler: Scheduler;

  constructor(record: GroupRecord, carrier: Carrier, scheduler: Scheduler) {
    this.id = record.group.id;
    this.name = record.group.name;
    this.#record = record;
    this.#carrier = carrier;
    this.#scheduler = scheduler;
  }

  get required() {
    return this.#record.requests.reduce<Record<string, number>>((sum, { units }) => ({ ...plus(sum, units) }), {});
  }

  get reasons() {
    return this.#record.reasons;
  }

  attempt(): boolean {
    const record = this.#record;
    const { group, requests, entry } = record;
    const { views } = this.#scheduler.nodes;
    const decision = placeBundles(requests, group.strategy, views);
    if (decision.kind !== "placed") {
      record.reasons = decision.reasons;
      if (decision.kind === "wait") return false;
      record.state = "INFEASIBLE";
      const facts = { placementGroupId: group.id, reasons: decision.reasons };
      entry.fail(
        new PlacementGroupUnschedulableError(
          `placement group ${nameOf(record)} can never be placed: ${decision.reasons.join("; ")}`,
          facts,
        ),
      );
      return true;
    }
    for (const [index, view] of decision.nodes.entries()) views[index] = view;
    record.leases = decision.leases;
    record.ledger = new Ledger(
      decision.leases.map((lease, index) =>
        bundleNode(`bundle ${index}`, lease, views.find(({ id }) => id === lease.nodeId)?.labels ?? {}),
      ),
    );
    record.state = "CREATED";
    record.reasons = [];
    entry.fulfil(this.#carrier.pack(true, "ready"));
    return true;
  }
}

function nameOf({ group }: GroupRecord): string {
  return group.name === "" ? group.id : `"${group.name}"`;
}

function waitFor(entry: ObjectEntry, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(), timeoutMs);
    const stop = entry.onSettled(() => done());
    function done() {
      clearTimeout(timer);
      queueMicrotask(() => stop());
      resolve(entry.settled && "value" in (entry.outcome ?? {}));
    }
  });
}
