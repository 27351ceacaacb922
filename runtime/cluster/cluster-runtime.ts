// The runtime of a process of the cluster: what the public API asks, through the head where something is placed, named or
// watched, and straight to the other process where something is called.
import { ObjectEntry } from "../calls/index.ts";
import type { ActorInfo, ActorNews, GroupNews, LeaseGrant, LogLines } from "../control/index.ts";
import {
  type ActorSpec,
  type JobId,
  type KillOptions,
  makeHandle,
  type NodeInfo,
  ObjectRef,
  type PlacementGroup,
  type PlacementGroupOptions,
  type PlacementGroupState,
  type RuntimeBackend,
  type RuntimeEnv,
  type RuntimeStatus,
  type TaskSpec,
  targetOf,
} from "../core/index.ts";
import { JobEnvironment } from "../environment/index.ts";
import { InvalidOptionError, RaySystemError } from "../errors/index.ts";
import type { Peer } from "../transport/index.ts";
import type { ActorHandles } from "./actor-handles.ts";
import { ActorMaker } from "./actor-maker.ts";
import type { HeadLink } from "./head-link.ts";
import { PeerChannel } from "./peer-channel.ts";
import type { ClusterProcess } from "./process.ts";
import { RemoteActor } from "./remote-actor.ts";
import { RemoteGroups } from "./remote-groups.ts";
import { RemoteTasks } from "./remote-tasks.ts";

export interface ClusterRuntimeOptions {
  readonly process: ClusterProcess;
  readonly handles: ActorHandles;
  readonly head: Pick<HeadLink, "ask" | "tell" | "listen">;
  readonly jobId: JobId;
  readonly namespace: string;
  /** What all actors and tasks have around them where their own options say nothing else. */
  readonly runtimeEnv: RuntimeEnv;
  /** Where the lines go that the job's processes print; a driver's. */
  readonly log?: { show(lines: LogLines): void };
  /** Ends what the process is besides: its session, its listening. */
  close(): Promise<void>;
  /** The head is lost for good. */
  lost?(error: Error): void;
}

export class ClusterRuntime implements RuntimeBackend {
  readonly jobId: JobId;
  readonly namespace: string;
  readonly #options: ClusterRuntimeOptions;
  readonly #head: ClusterRuntimeOptions["head"];
  readonly #tasks: RemoteTasks;
  readonly #groups: RemoteGroups;
  readonly #maker: ActorMaker;
  readonly #channels = new WeakMap<Peer, PeerChannel>();
  /** The process whose end is being told. */
  #gone: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ClusterRuntimeOptions) {
    const { process, head, handles, jobId, namespace } = options;
    this.#options = options;
    this.#head = head;
    this.jobId = jobId;
    this.namespace = namespace;
    const environment = new JobEnvironment(options.runtimeEnv, (method, part) => head.ask(method, part));
    this.#maker = new ActorMaker({ ...options, environment });
    this.#groups = new RemoteGroups(jobId, (creation) => head.ask("createGroup", creation));
    this.#tasks = new RemoteTasks({
      endpoints: process.endpoints,
      carrier: process.carrier,
      jobId,
      namespace,
      environment,
      channel: (address) => this.#channel(address),
      lease: async (request) => (await head.ask("lease", request)) as LeaseGrant,
      dropLease: (leaseId) => head.tell("dropLease", leaseId),
      killLease: (leaseId) => head.tell("killLease", leaseId),
    });
    handles.open({
      endpoints: process.endpoints,
      carrier: process.carrier,
      channel: (address) => this.#channel(address),
      hold: (actor) => head.tell("hold", actor.actorId),
      letGo: async (actor) => {
        if (handles.forget(actor)) await head.ask("letGo", actor.actorId).catch(() => undefined);
      },
    });
    process.objects.isGone = async (processId) => (await head.ask("isGone", processId)) === true;
    process.handlers = {
      ...process.handlers,
      event: (topic, payload) => this.#peerEvent(topic, payload),
      up: (peer, fresh) => fresh && this.#disconnected(peer.processId),
      // Of an actor whose process is gone the head tells what becomes of it.
      ended: (peer) => peer.processId !== this.#gone && this.#disconnected(peer.processId),
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
    return this.#maker.make(spec, args);
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
    const waiting = this.#options.handles.pendingCalls();
    const actors = status.actors.map((row) => ({ ...row, pendingCalls: waiting.get(row.actorId) ?? 0 }));
    return { ...status, actors, jobId: this.jobId, namespace: this.namespace };
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
    if (topic === "tasksReturned") {
      const { leaseId, callIds } = payload as { leaseId: string; callIds: number[] };
      this.#tasks.returned(leaseId, callIds);
    } else if (topic === "callEnded") {
      const { hostId, callId } = payload as { hostId: string; callId: number };
      this.#tasks.ended(hostId, callId);
    }
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
      case "log":
        this.#options.log?.show(payload as LogLines);
        break;
      case "processGone":
        this.#gone = payload as string;
        process.objects.processGone(this.#gone);
        process.peers.gone(this.#gone);
        this.#gone = undefined;
        break;
      default:
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new RaySystemError("the runtime was shut down");
  }
}
