// The local runtime: every task and actor in this process, on its event loop, behind the same door as a cluster.
import {
  byReference,
  byWire,
  type Carrier,
  type Channel,
  DirectChannel,
  Endpoints,
  ObjectEntry,
  Turns,
} from "../calls/index.ts";
import type { ClusterRuntime } from "../cluster/index.ts";
import { isPython } from "../code/index.ts";
import {
  type ActorId,
  type ActorSpec,
  type JobId,
  type KillOptions,
  makeHandle,
  type NodeId,
  newId,
  ObjectRef,
  type PlacementGroup,
  type PlacementGroupOptions,
  type RuntimeBackend,
  type RuntimeEnv,
  type RuntimeStatus,
  type TaskSpec,
  targetOf,
} from "../core/index.ts";
import {
  ActorAlreadyExistsError,
  ActorHandleNotFoundError,
  InvalidOptionError,
  RaySystemError,
} from "../errors/index.ts";
import { describeNode, here, type MachineOptions, machineNode, Scheduler } from "../placement/index.ts";
import { LocalActor } from "./local-actor.ts";
import type { LocalServices } from "./local-services.ts";
import { PlacementGroups } from "./placement-groups.ts";
import { PythonCluster } from "./python-cluster.ts";
import { setVariables } from "./runtime-env.ts";
import { TaskRunner } from "./task-runner.ts";
import { WireChannel } from "./wire-channel.ts";

export interface LocalRuntimeOptions extends MachineOptions {
  readonly namespace: string;
  readonly runtimeEnv: RuntimeEnv;
  /** Makes every call, result and error pass through the wire's codec and frames. */
  readonly wire: boolean;
}

/** What all actors together have to end what runs and to dispose of themselves. */
const shutdownGraceMs = 10_000;

/** Dead actors that `status()` still shows. */
const deadActorsKept = 1000;

export class LocalRuntime implements RuntimeBackend {
  readonly jobId: JobId = newId<JobId>();
  readonly namespace: string;
  readonly #nodeId: NodeId = newId<NodeId>();
  readonly #actors = new Map<ActorId, LocalActor>();
  readonly #names = new Map<string, LocalActor>();
  readonly #dead: LocalActor[] = [];
  readonly #services: LocalServices;
  readonly #scheduler: Scheduler;
  readonly #groups: PlacementGroups;
  readonly #tasks: TaskRunner;
  readonly #carrier: Carrier;
  readonly #machine: MachineOptions;
  readonly #restore: () => void;
  #pythonCluster: PythonCluster | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: LocalRuntimeOptions) {
    const { namespace, wire: _, runtimeEnv, ...machine } = options;
    this.namespace = namespace;
    this.#machine = machine;
    this.#restore = setVariables(runtimeEnv);
    const endpoints = new Endpoints();
    const turns = new Turns();
    this.#carrier = options.wire ? byWire : byReference;
    const channel: Channel = options.wire ? new WireChannel(endpoints, turns) : new DirectChannel(endpoints, turns);
    this.#groups = new PlacementGroups(this.#carrier);
    this.#scheduler = new Scheduler([machineNode(this.#nodeId, options)], (groupId) => this.#groups.view(groupId));
    this.#services = {
      jobId: this.jobId,
      nodeId: this.#nodeId,
      namespace: this.namespace,
      runtimeEnv,
      carrier: this.#carrier,
      endpoints,
      channel,
      turns,
      scheduler: this.#scheduler,
      pendingReason: (actorId) => this.#pendingReason(actorId),
      left: (actor) => this.#left(actor.actorId),
      died: (actor) => this.#died(actor as LocalActor),
    };
    this.#tasks = new TaskRunner(this.#services);
  }

  submitTask(spec: TaskSpec, args: readonly unknown[]): unknown {
    this.#checkOpen();
    if (isPython(spec.fn)) return this.#python().submitTask(spec, args);
    return this.#tasks.submit(spec, args);
  }

  createActor(spec: ActorSpec, args: readonly unknown[]): object {
    this.#checkOpen();
    if (isPython(spec.Class)) return this.#python().createActor(spec, args);
    const { name, getIfExists } = spec.options;
    const namespace = spec.options.namespace ?? this.namespace;
    const holder = name === undefined ? undefined : this.#names.get(nameKey(namespace, name));
    if (holder && getIfExists) return makeHandle(holder);
    const actor = new LocalActor(spec, args, this.#services);
    this.#actors.set(actor.actorId, actor);
    if (holder) {
      const message = `an actor named "${name}" exists in namespace "${namespace}"`;
      const facts = { actorId: holder.actorId, className: holder.table.className, actorName: name, namespace };
      actor.die({ reason: "NAME_TAKEN", message, error: () => new ActorAlreadyExistsError(message, facts) });
    } else {
      if (name !== undefined) this.#names.set(nameKey(namespace, name), actor);
      actor.start();
    }
    return makeHandle(actor);
  }

  async getActor(name: string, namespace: string): Promise<object> {
    const actor = this.#names.get(nameKey(namespace, name));
    if (actor) return makeHandle(actor);
    if (this.#pythonCluster) return this.#python().getActor(name, namespace);
    const message = `there is no actor named "${name}" in namespace "${namespace}"`;
    throw new ActorHandleNotFoundError(message, { actorName: name, namespace });
  }

  async kill(handle: object, { noRestart = true }: KillOptions): Promise<void> {
    const target = targetOf(handle);
    if (target && !(target instanceof LocalActor) && this.#pythonCluster)
      return this.#python().kill(handle, { noRestart });
    if (!(target instanceof LocalActor)) throw InvalidOptionError.of("kill", "an actor handle", handle);
    target.kill(noRestart);
  }

  put(value: unknown): ObjectRef {
    this.#checkOpen();
    const entry = new ObjectEntry(this.#carrier);
    entry.fulfil(this.#carrier.pack(value, "the value of put()"));
    return new ObjectRef(entry);
  }

  async nodes() {
    return this.#scheduler.nodes.views.map((view) => describeNode(view, here));
  }

  createPlacementGroup(
    bundles: readonly Readonly<Record<string, number>>[],
    options: PlacementGroupOptions,
  ): PlacementGroup {
    this.#checkOpen();
    return this.#groups.create(bundles, options, this.#scheduler);
  }

  async removePlacementGroup({ id }: PlacementGroup): Promise<void> {
    this.#groups.close(id, this.#scheduler);
    for (const actor of this.#actors.values()) {
      if (actor.describe().placementGroupId === id) actor.groupRemoved("its placement group was removed");
    }
    this.#groups.remove(id, this.#scheduler);
  }

  async placementGroupTable() {
    return this.#groups.table();
  }

  async status(): Promise<RuntimeStatus> {
    const python = await this.#pythonCluster?.runtime.status();
    return {
      jobId: this.jobId,
      namespace: this.namespace,
      nodes: await this.nodes(),
      actors: [...[...this.#actors.values()].map((actor) => actor.describe()), ...(python?.actors ?? [])],
      placementGroups: this.#groups.table(),
      pending: this.#scheduler.pending(),
    };
  }

  shutdown(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#endAll();
    this.#restore();
  }

  async #endAll(): Promise<void> {
    const cause = { reason: "SHUTDOWN", message: "the runtime was shut down" } as const;
    this.#tasks.failAll(() => new RaySystemError(cause.message));
    // Youngest first: an actor may still need those that were there before it.
    const until = performance.now() + shutdownGraceMs;
    for (const actor of [...this.#actors.values()].reverse()) {
      actor.abortRunning();
      await actor.exit(cause, Math.max(0, until - performance.now()));
    }
    await this.#pythonCluster?.runtime.shutdown();
  }

  #python(): ClusterRuntime {
    const { jobId, namespace } = this;
    const [nodeId, machine, runtimeEnv] = [this.#nodeId, this.#machine, this.#services.runtimeEnv];
    this.#pythonCluster ??= new PythonCluster({ jobId, namespace, nodeId, machine, runtimeEnv });
    return this.#pythonCluster.runtime;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new RaySystemError("the runtime was shut down");
  }

  #pendingReason(actorId: ActorId): string | null {
    const waiting = this.#scheduler.pending().find(({ id }) => id === actorId);
    return waiting ? waiting.reasons.join("; ") : null;
  }

  #left(actorId: ActorId): void {
    for (const child of this.#actors.values()) {
      if (child.ownerId !== actorId || child.spec.options.detached || child.state === "DEAD") continue;
      child.die({ reason: "OWNER_DIED", message: `the actor that created it (${actorId}) has ended` });
    }
  }

  #died(actor: LocalActor): void {
    const { name } = actor.spec.options;
    const key = name === undefined ? undefined : nameKey(actor.namespace, name);
    if (key !== undefined && this.#names.get(key) === actor) this.#names.delete(key);
    this.#dead.push(actor);
    const oldest = this.#dead.length > deadActorsKept ? this.#dead.shift() : undefined;
    if (oldest) this.#actors.delete(oldest.actorId);
  }
}

function nameKey(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}
