// One actor as the head knows it.
import type { ActorCreation, ActorDeath, ActorNews, ActorStart } from "../control/index.ts";
import {
  type ActorId,
  type ActorState,
  type ActorStateName,
  actorStates,
  type JobId,
  type NodeId,
} from "../core/index.ts";
import type { Grant, GrantedLease } from "../placement/index.ts";
import { fromUnits } from "../scheduling/index.ts";
import type { ValueOnWire } from "../wire/index.ts";
import type { StoredActor } from "./head-store.ts";
import { SharedValues } from "./shared-values.ts";

const shared = new SharedValues();

/** Without the arguments, which the record keeps, and with the parts that many actors have alike kept once. */
function withShared(creation: ActorCreation): ActorCreation {
  const { code, info, request, runtimeEnv, jobId, owner, callSite } = creation;
  return {
    ...creation,
    args: null,
    code: shared.one(code),
    info: info.name === null ? shared.one(info) : { ...info, methods: shared.one(info.methods) },
    request: shared.one(request),
    runtimeEnv: shared.one(runtimeEnv),
    jobId: shared.one(jobId),
    owner: shared.one(owner),
    callSite: shared.one(callSite),
  };
}

/** Who is told where an actor goes and who holds it. */
export interface ActorWatcher {
  home(before: string | undefined, after: string | undefined): void;
  held(processId: string): void;
  letGo(processId: string): void;
}

export class ActorRecord {
  readonly creation: Omit<ActorCreation, "args">;
  /** Its constructor's; null while they are not ready, and when it is dead. */
  args: readonly ValueOnWire[] | null = null;
  state: ActorStateName;
  restarts = 0;
  #grant: Grant | undefined;
  #expected: GrantedLease | undefined;
  #watcher: ActorWatcher | undefined;
  hostId = "";
  address = "";
  pid = 0;
  death: ActorDeath | null = null;
  readonly #holders = new Set<string>();
  withdraw: () => void = () => {};
  #unheld: { readonly timer: NodeJS.Timeout; readonly over: () => void } | undefined;

  constructor(creation: ActorCreation) {
    const { args } = creation;
    this.creation = withShared(creation);
    this.state = args === null ? "DEPENDENCIES_UNREADY" : "PENDING_CREATION";
    if (args !== null) this.give(args);
  }

  /** The constructor's arguments. They lie over the whole message that brought them, which is not to stay with them. */
  give(args: readonly ValueOnWire[]): void {
    this.args = args.map((value) => {
      if (value instanceof Uint8Array) return Buffer.from(value);
      const [data, ...beside] = value;
      return [Buffer.from(data), ...beside] as unknown as ValueOnWire;
    });
  }

  static restored(stored: StoredActor): ActorRecord {
    const record = new ActorRecord(stored.creation);
    record.state = stored.state;
    record.restarts = stored.restarts;
    record.hostId = stored.hostId;
    record.address = stored.address;
    record.pid = stored.pid;
    record.death = stored.death;
    if (stored.state !== "DEAD") record.#expected = stored.lease ?? undefined;
    return record;
  }

  get actorId(): ActorId {
    return this.creation.actorId as ActorId;
  }

  get grant(): Grant | undefined {
    return this.#grant;
  }

  /** What it had when the head ended: its node has not come back yet. */
  get expected(): GrantedLease | undefined {
    return this.#expected;
  }

  /** Processes that have handles of it. */
  get holders(): ReadonlySet<string> {
    return this.#holders;
  }

  /** What it has been given, in place of whatever it had or was expected to have. */
  given(grant: Grant | undefined): void {
    const before = this.home;
    this.#grant = grant;
    this.#expected = undefined;
    if (before !== this.home) this.#watcher?.home(before, this.home);
  }

  hold(processId: string): void {
    this.#holders.add(processId);
    this.#watcher?.held(processId);
  }

  /** False where the process had no handle. */
  letGo(processId: string): boolean {
    this.#watcher?.letGo(processId);
    return this.#holders.delete(processId);
  }

  /** From now on this one is told; at once of what there is. */
  watched(watcher: ActorWatcher): void {
    this.#watcher = watcher;
    watcher.home(undefined, this.home);
    for (const processId of this.#holders) watcher.held(processId);
  }

  /** The node that it is on, or is expected to be on. */
  get home(): string | undefined {
    return this.grant?.nodeId ?? this.expected?.home;
  }

  get name(): string | null {
    return this.creation.info.name;
  }

  get groupId(): string | null {
    const { strategy } = this.creation.request;
    return strategy.kind === "placementGroup" ? strategy.groupId : null;
  }

  /** Its last handle went away: calls back unless another one turns up within `graceMs`; done then, or when one does. */
  unheld(graceMs: number, stillUnheld: () => Promise<void>): Promise<void> {
    this.heldAgain();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#unheld = undefined;
        stillUnheld().then(resolve, resolve);
      }, graceMs);
      this.#unheld = { timer, over: resolve };
    });
  }

  /** It need not be ended for want of handles any more. */
  heldAgain(): void {
    clearTimeout(this.#unheld?.timer);
    this.#unheld?.over();
    this.#unheld = undefined;
  }

  move(to: ActorStateName): void {
    const allowed: readonly string[] = actorStates[this.state];
    if (!allowed.includes(to)) throw new Error(`actor ${this.actorId} cannot go from ${this.state} to ${to}`);
    this.state = to;
  }

  mayRestart(): boolean {
    const { maxRestarts } = this.creation;
    return maxRestarts === -1 || this.restarts < maxRestarts;
  }

  news(): ActorNews {
    const { actorId, state, restarts, address, hostId, death } = this;
    return { actorId, state, restarts, address, hostId, death };
  }

  stored(): StoredActor {
    const { state, restarts, hostId, address, pid, death } = this;
    const creation = { ...this.creation, args: this.args };
    return {
      creation,
      state,
      restarts,
      lease: this.grant?.lease ?? this.expected ?? null,
      hostId,
      address,
      pid,
      death,
    };
  }

  /** What its node is asked to start. */
  startWith(grant: Grant): ActorStart {
    const { creation, hostId, actorId, restarts, args, groupId } = this;
    const { jobId, code, info, maxConcurrency, runtimeEnv } = creation;
    const { gpuIds, resources } = grant;
    const given = { jobId, code, info, maxConcurrency, runtimeEnv, gpuIds, resources };
    return { hostId, actorId, restarts, args: args ?? [], placementGroupId: groupId, ...given };
  }

  describe(pendingReason: string | null): ActorState {
    const { info, request, jobId, runtimeEnv, callSite } = this.creation;
    return {
      actorId: this.actorId,
      className: info.className,
      state: this.state,
      jobId: jobId as JobId,
      name: info.name ?? "",
      nodeId: (this.home ?? null) as NodeId | null,
      pid: this.state === "ALIVE" ? this.pid : null,
      rayNamespace: info.namespace,
      serializedRuntimeEnv: JSON.stringify(runtimeEnv),
      requiredResources: fromUnits(request.held),
      deathCause: this.death ? { reason: this.death.reason, message: this.death.message } : null,
      isDetached: info.detached,
      placementGroupId: this.groupId as ActorState["placementGroupId"],
      reprName: `${info.className}(${info.name ?? this.actorId})`,
      numRestarts: this.restarts,
      callSite,
      labelSelector: request.labelSelector,
      fallbackStrategy: null,
      gpuIds: this.grant?.gpuIds ?? [],
      pendingCalls: 0,
      pendingReason,
    };
  }
}
