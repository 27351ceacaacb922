// The runtime of a process of the cluster: what the public API asks, through the head where something is placed, named or
// watched, and straight to the other process where something is called.
import { CallArguments, encodePacked, ObjectEntry } from "../calls/index.ts";
import { codeRefOf } from "../code/index.ts";
import {
  type ActorCreation,
  type ActorInfo,
  type ActorNews,
  describeActorInfo,
  type GroupNews,
  type LeaseGrant,
} from "../control/index.ts";
import {
  type ActorId,
  type ActorSpec,
  callSite,
  currentContext,
  type JobId,
  type KillOptions,
  makeHandle,
  type NodeInfo,
  newId,
  ObjectRef,
  type PlacementGroup,
  type PlacementGroupOptions,
  type PlacementGroupState,
  type RuntimeBackend,
  type RuntimeStatus,
  type TaskSpec,
  targetOf,
} from "../core/index.ts";
import { ActorDiedError, InvalidOptionError, RaySystemError } from "../errors/index.ts";
import type { Peer } from "../transport/index.ts";
import { encodeFailure } from "../wire/index.ts";
import type { ActorHandles } from "./actor-handles.ts";
import type { HeadLink } from "./head-link.ts";
import { PeerChannel } from "./peer-channel.ts";
import type { ClusterProcess } from "./process.ts";
import { RemoteActor } from "./remote-actor.ts";
import { RemoteGroups } from "./remote-groups.ts";
import { RemoteTasks } from "./remote-tasks.ts";

export interface ClusterRuntimeOptions {
  readonly process: ClusterProcess;
  readonly handles: ActorHandles;
  readonly head: HeadLink;
  readonly jobId: JobId;
  readonly namespace: string;
  /** Ends what the process is besides: its session, its listening. */
  close(): Promise<void>;
  /** The head is lost for good. */
  lost?(error: Error): void;
}

export class ClusterRuntime implements RuntimeBackend {
  readonly jobId: JobId;
  readonly namespace: string;
  readonly #options: ClusterRuntimeOptions;
  readonly #head: HeadLink;
  readonly #tasks: RemoteTasks;
  readonly #groups: RemoteGroups;
  readonly #channels = new WeakMap<Peer, PeerChannel>();
  #closed: Promise<void> | undefined;

  constructor(options: ClusterRuntimeOptions) {
    const { process, head, handles, jobId, namespace } = options;
    this.#options = options;
    this.#head = head;
    this.jobId = jobId;
    this.namespace = namespace;
    this.#groups = new RemoteGroups(jobId, (creation) => head.ask("createGroup", creation));
    this.#tasks = new RemoteTasks({
      endpoints: process.endpoints,
      carrier: process.carrier,
      jobId,
      namespace,
      channel: (address) => this.#channel(address),
      lease: async (request) => (await head.ask("lease", request)) as LeaseGrant,
      dropLease: (leaseId) => head.tell("dropLease", leaseId),
    });
    handles.open({
      endpoints: process.endpoints,
      carrier: process.carrier,
      channel: (address) => this.#channel(address),
      hold: (actorId) => head.tell("hold", actorId),
      letGo: async (actorId) => {
        handles.forget(actorId);
        await head.ask("letGo", actorId).catch(() => undefined);
      },
    });
    process.handlers = {
      ...process.handlers,
      event: (topic, payload) => this.#peerEvent(topic, payload),
      up: (peer, fresh) => fresh && this.#disconnected(peer.processId),
      ended: (peer) => this.#disconnected(peer.processId),
    };
    head.listen({
      event: (topic, payload) => this.#headEvent(topic, payload),
      objects: () => process.objects.facts(),
      again: () => {
        for (const actor of handles.all()) head.tell("hold", actor.actorId);
        head.tell("leases", this.#tasks.leases());
      },
      lost: (error) => {
        this.#fail(error);
        options.lost?.(error);
      },
    });
  }

  submitTask(spec: TaskSpec, args: readonly unknown[]): unknown {
    this.#checkOpen();
    return this.#tasks.submit(spec, args);
  }

  createActor(spec: ActorSpec, args: readonly unknown[]): object {
    this.#checkOpen();
    const { table, options, Class } = spec;
    const code = codeRefOf(Class);
    const { handles, process } = this.#options;
    const actorId = newId<ActorId>();
    const info = describeActorInfo(table, options, options.namespace ?? this.namespace);
    const actor = new RemoteActor(actorId, info, handles.services, spec);
    handles.add(actor);
    const given = new CallArguments(args, process.carrier, `${table.className}.constructor`);
    const encoded = () => given.values().map((value) => encodePacked(value, process.objects));
    let ready = false;
    let sent = false;
    given.whenReady((failed) => {
      ready = !failed;
      if (!sent) return;
      if (failed) void this.#abandon(actor, failed.error);
      else
        this.#head.ask("placeActor", { actorId, args: encoded() }).catch((error: unknown) => actor.dead(() => error));
    });
    sent = true;
    const creation: ActorCreation = {
      actorId,
      jobId: this.jobId,
      code,
      info,
      getIfExists: options.getIfExists,
      maxRestarts: options.maxRestarts,
      maxConcurrency: options.maxConcurrency,
      request: options.request,
      runtimeEnv: options.runtimeEnv,
      callSite: callSite(),
      owner: process.processId,
      ownerActorId: currentContext()?.actorId ?? null,
      args: ready ? encoded() : null,
    };
    return this.#create(actor, creation);
  }

  async getActor(name: string, namespace: string): Promise<object> {
    const found = (await this.#head.ask("getActor", { name, namespace })) as { actorId: string; info: ActorInfo };
    return makeHandle(this.#options.handles.find(found.actorId, found.info));
  }

  async kill(handle: object, { noRestart = true }: KillOptions): Promise<void> {
    const target = targetOf(handle);
    if (!(target instanceof RemoteActor)) throw InvalidOptionError.of("kill", "an actor handle", handle);
    await this.#head.ask("killActor", { actorId: target.actorId, noRestart });
  }

  put(value: unknown): ObjectRef {
    this.#checkOpen();
    const { carrier } = this.#options.process;
    const entry = new ObjectEntry(carrier);
    entry.keep(carrier.pack(value, "the value of put()"));
    return new ObjectRef(entry);
  }

  async nodes(): Promise<NodeInfo[]> {
    return (await this.#head.ask("nodes", null)) as NodeInfo[];
  }

  createPlacementGroup(
    bundles: readonly Readonly<Record<string, number>>[],
    options: PlacementGroupOptions,
  ): PlacementGroup {
    this.#checkOpen();
    return this.#groups.create(bundles, options);
  }

  async removePlacementGroup({ id }: PlacementGroup): Promise<void> {
    await this.#head.ask("removeGroup", id);
    this.#groups.removed(id);
  }

  async placementGroupTable(): Promise<PlacementGroupState[]> {
    return (await this.#head.ask("groups", null)) as PlacementGroupState[];
  }

  async status(): Promise<RuntimeStatus> {
    const status = (await this.#head.ask("status", null)) as Omit<RuntimeStatus, "jobId" | "namespace">;
    return { ...status, jobId: this.jobId, namespace: this.namespace };
  }

  askHead(method: string, payload: unknown): Promise<unknown> {
    return this.#head.ask(method, payload);
  }

  shutdown(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#fail(new RaySystemError("the runtime was shut down"));
    await this.#options.close();
  }

  #fail(error: Error): void {
    this.#tasks.failAll(() => error);
    this.#groups.failAll(error);
    for (const actor of this.#options.handles.all()) actor.dead(() => error);
  }

  #create(actor: RemoteActor, creation: ActorCreation): object {
    const answer = this.#head.ask("createActor", creation) as Promise<{ actorId: string; info: ActorInfo }>;
    answer.then(
      ({ actorId, info }) => actorId !== creation.actorId && this.#become(actor, actorId, info),
      (error: unknown) => actor.dead(() => error),
    );
    // The head hears of the actor before it hears that somebody holds it.
    return makeHandle(actor);
  }

  /** The name is that of an actor that exists already (`getIfExists`). */
  #become(actor: RemoteActor, actorId: string, info: ActorInfo): void {
    const { handles } = this.#options;
    handles.forget(actor.actorId);
    actor.become(actorId as ActorId, info);
    handles.add(actor);
    this.#head.tell("hold", actorId);
  }

  /** An argument of the constructor failed: the actor is never made. */
  async #abandon(actor: RemoteActor, error: unknown): Promise<void> {
    const text = error instanceof Error ? error.message : String(error);
    const message = `an argument of its constructor failed: ${text}`;
    const facts = { actorId: actor.actorId, className: actor.info.className };
    await this.#head
      .ask("abandonActor", { actorId: actor.actorId, message, failure: encodeFailure(error) })
      .catch(() => actor.dead(() => new ActorDiedError(message, facts, { cause: error })));
  }

  #channel(address: string): PeerChannel {
    const { process } = this.#options;
    const peer = process.peers.get(address);
    let channel = this.#channels.get(peer);
    if (!channel) {
      channel = new PeerChannel(peer, process.objects);
      this.#channels.set(peer, channel);
    }
    return channel;
  }

  #disconnected(processId: string): void {
    for (const actor of this.#options.handles.all()) {
      if (!actor.address.startsWith(`${processId}|`)) continue;
      actor.disconnected();
      // The head tells where it is now, which may be where it was.
      this.#head.tell("hold", actor.actorId);
    }
    this.#tasks.disconnected(processId);
  }

  #peerEvent(topic: string, payload: unknown): void {
    if (topic !== "tasksReturned") return;
    const { leaseId, callIds } = payload as { leaseId: string; callIds: number[] };
    this.#tasks.returned(leaseId, callIds);
  }

  #headEvent(topic: string, payload: unknown): void {
    const { handles, process } = this.#options;
    switch (topic) {
      case "actor":
        handles.news(payload as ActorNews);
        break;
      case "group":
        this.#groups.news(payload as GroupNews);
        break;
      case "leaseLost": {
        const { leaseId, message } = payload as { leaseId: string; message: string };
        this.#tasks.leaseLost(leaseId, message);
        break;
      }
      case "processGone":
        process.objects.processGone(payload as string);
        process.peers.gone(payload as string);
        break;
      default:
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new RaySystemError("the runtime was shut down");
  }
}
