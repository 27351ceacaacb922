// The head: places, names and watches. No call of an actor and no value passes through it, so that it can be away for a
// while under running jobs.
import type {
  ActorCreation,
  AgentRegistration,
  ClientRegistration,
  ClientWelcome,
  GroupCreation,
  HostExit,
  LeaseRequest,
} from "../control/index.ts";
import type { RuntimeStatus } from "../core/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { Scheduler } from "../placement/index.ts";
import { LinkServer, Peer, type PeerHandlers } from "../transport/index.ts";
import type { FailureData, ValueOnWire } from "../wire/index.ts";
import { ActorRecord } from "./actor-record.ts";
import { ActorTable } from "./actor-table.ts";
import { ClientTable } from "./client-table.ts";
import { DriverJobs } from "./driver-jobs.ts";
import { FrontDesk } from "./front-desk.ts";
import { GroupDesk } from "./group-desk.ts";
import type { HeadServices } from "./head-services.ts";
import type { HeadStore } from "./head-store.ts";
import { heldByJob } from "./held-by-job.ts";
import { LeaseTable } from "./lease-table.ts";
import { NodeTable } from "./node-table.ts";
import { Watch } from "./watch.ts";

export interface HeadOptions {
  readonly headId: string;
  readonly token: string;
  readonly store: HeadStore;
  /** A node, or a driver, without a connection for so long is dead. */
  readonly silenceMs: number;
  log(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export class Head {
  readonly #options: HeadOptions;
  readonly #server: LinkServer;
  readonly #scheduler: Scheduler;
  readonly #nodes: NodeTable;
  readonly #clients = new ClientTable();
  readonly #actors: ActorTable;
  readonly #leases: LeaseTable;
  readonly #groups: GroupDesk;
  readonly #watch: Watch;
  readonly #drivers = new DriverJobs(this.#clients);
  readonly #desk: FrontDesk;

  constructor(options: HeadOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler([], (groupId) => this.#groups.table.view(groupId), true);
    this.#nodes = new NodeTable(this.#scheduler.nodes);
    const services: HeadServices = {
      store: options.store,
      scheduler: this.#scheduler,
      nodes: this.#nodes,
      clients: this.#clients,
      actorEnded: (actorId) => this.#actorEnded(actorId),
    };
    this.#actors = new ActorTable(services);
    this.#leases = new LeaseTable(services);
    this.#groups = new GroupDesk(services);
    this.#watch = new Watch(options.silenceMs);
    const desk = {
      ...services,
      actors: this.#actors,
      heldBy: (jobId: string) => heldByJob(jobId, this.#actors, this.#leases, this.#groups),
      jobEnded: (jobId: string) => this.#endGroups(jobId),
      groups: this.#groups,
    };
    this.#desk = new FrontDesk(desk, this.#drivers);
    const handlers: PeerHandlers = {
      request: (method, payload, peer) => this.#request(method, payload, peer),
      event: (topic, payload, peer) => this.#event(topic, payload, peer),
      up: (peer) => this.#watch.heard(peer),
      down: (peer, reason) => this.#down(peer, reason),
      ended: (peer, error) => this.#gone(peer, error.message),
    };
    this.#server = new LinkServer({
      processId: options.headId,
      token: options.token,
      graceMs: 2 * options.silenceMs,
      accept: (processId, session) => new Peer(processId, handlers, session),
    });
    for (const group of options.store.groups.all()) this.#groups.restore(group);
    for (const stored of options.store.actors.all()) this.#actors.restore(ActorRecord.restored(stored));
    this.#desk.jobs.restore(options.store.jobs.all());
  }

  /** Listens at `host:port` or `unix:/path`; gives the port. */
  listen(target: string): Promise<number> {
    return this.#server.listen(target);
  }

  close(): void {
    this.#watch.close();
    this.#server.close();
  }

  #request(method: string, payload: unknown, peer: Peer): unknown {
    switch (method) {
      case "register":
        return this.#register(payload as AgentRegistration | ClientRegistration, peer);
      case "createActor":
        return this.#actors.create(payload as ActorCreation);
      case "placeActor": {
        const { actorId, args } = payload as { actorId: string; args: readonly ValueOnWire[] };
        return this.#actors.placeWith(actorId, args);
      }
      case "abandonActor":
        return this.#abandon(payload as { actorId: string; message: string; failure: FailureData });
      case "getActor": {
        const { name, namespace } = payload as { name: string; namespace: string };
        return this.#actors.find(name, namespace);
      }
      case "killActor": {
        const { actorId, noRestart } = payload as { actorId: string; noRestart: boolean };
        return this.#actors.kill(actorId, noRestart);
      }
      case "lease":
        return this.#leases.ask(payload as LeaseRequest, peer.processId);
      case "createGroup":
        return this.#groups.create(payload as GroupCreation, peer.processId);
      case "removeGroup":
        return this.#removeGroup(payload as string);
      case "nodes":
        return this.#nodes.describe();
      case "groups":
        return this.#groups.describe();
      case "status":
        return this.#status();
      case "drainNode":
        return this.#nodes.drain(payload as string);
      case "leave":
        return this.#leave(peer);
      default:
        return this.#desk.answer(method, payload);
    }
  }

  #event(topic: string, payload: unknown, peer: Peer): void {
    switch (topic) {
      case "hold":
        this.#actors.hold(payload as string, peer.processId);
        break;
      case "letGo":
        this.#actors.letGo(payload as string, peer.processId);
        break;
      case "dropLease":
        this.#leases.drop(payload as string);
        break;
      case "blocked":
        this.#leases.blocked(payload as string, true);
        break;
      case "unblocked":
        this.#leases.blocked(payload as string, false);
        break;
      case "hostExited":
        this.#actors.hostExited(payload as HostExit);
        this.#leases.hostExited(payload as HostExit);
        break;
      default:
    }
  }

  #register(registration: AgentRegistration | ClientRegistration, peer: Peer): unknown {
    if (registration.kind === "agent") return this.#join(registration, peer);
    this.#clients.add(registration, peer);
    this.#drivers.joined(registration);
    this.#options.log({ processId: peer.processId, kind: registration.kind, pid: registration.pid }, "client joined");
    const nodes = this.#nodes.all().filter(({ state }) => state !== "DEAD");
    const welcome: ClientWelcome = {
      headId: this.#options.headId,
      nodes: nodes.map(({ registration: { nodeId, hostname, sessionFolder, ip } }) => {
        return { nodeId, hostname, sessionFolder, ip };
      }),
    };
    return welcome;
  }

  /** A dead node must not come back as if nothing had been: its actors have been made again elsewhere. */
  #join(registration: AgentRegistration, peer: Peer): { readonly headId: string } {
    const { nodeId, hosts } = registration;
    const known = this.#nodes.get(nodeId);
    if (known?.state === "DEAD")
      throw new RaySystemError(`node ${nodeId} was declared dead (${known.reason}) and must not come back`);
    if (known) {
      known.peer = peer;
      return { headId: this.#options.headId };
    }
    this.#nodes.join(registration, peer);
    this.#options.log({ nodeId, hostname: registration.hostname, ip: registration.ip }, "node joined");
    const running = new Set(hosts.map(({ hostId }) => hostId));
    for (const record of this.#actors.all()) {
      const stored = this.#options.store.actors.get(record.actorId);
      if (record.state !== "ALIVE" || stored?.lease?.home !== nodeId) continue;
      if (running.has(record.hostId)) this.#actors.takeUp(record, this.#scheduler.takeUp(stored.lease));
      else this.#actors.missing(record);
    }
    this.#scheduler.pump();
    return { headId: this.#options.headId };
  }

  #down(peer: Peer, reason: string): void {
    const node = this.#nodes.byPeer(peer);
    const address = node?.registration.address ?? this.#clients.get(peer.processId)?.registration.address;
    if (address === undefined) return;
    this.#watch.silent(peer, address, (why) => this.#gone(peer, `${why} (${reason})`));
  }

  #gone(peer: Peer, reason: string): void {
    this.#watch.heard(peer);
    const node = this.#nodes.byPeer(peer);
    if (node) this.#nodeDied(node.registration.nodeId, reason);
    else this.#clientGone(peer.processId);
  }

  #nodeDied(nodeId: string, reason: string): void {
    const node = this.#nodes.get(nodeId);
    if (!node || node.state === "DEAD") return;
    this.#options.log({ nodeId, reason }, "node died");
    this.#nodes.dead(nodeId, reason);
    this.#actors.nodeDied(nodeId, reason);
    this.#leases.nodeDied(nodeId, reason);
    for (const { registration } of this.#clients.all()) {
      if (registration.address.split("|")[1] === nodeId && registration.kind === "host") {
        this.#clientGone(registration.address.split("|")[0] ?? "");
      }
    }
  }

  #clientGone(processId: string): void {
    const client = this.#clients.remove(processId);
    if (!client) return;
    const { jobId, kind } = client.registration;
    this.#options.log({ processId, kind, jobId }, "client left");
    this.#actors.processGone(processId);
    this.#leases.processGone(processId);
    this.#clients.tellAll("processGone", processId);
    for (const node of this.#nodes.all()) node.peer.tell("processGone", processId);
    this.#drivers.left(client.registration);
    if (kind === "driver") this.#endGroups(jobId);
  }

  async #leave(peer: Peer): Promise<void> {
    this.#clientGone(peer.processId);
  }

  #endGroups(jobId: string): void {
    for (const id of this.#groups.ofJob(jobId)) void this.#removeGroup(id);
  }

  /** What an actor created ends with it, and so does the job that it runs. */
  #actorEnded(actorId: string): void {
    this.#desk.jobs.actorEnded(actorId);
    for (const record of this.#actors.all()) {
      if (record.creation.ownerActorId !== actorId || record.creation.info.detached) continue;
      const message = `the actor that created it (${actorId}) has ended`;
      void this.#actors.end(record, { reason: "OWNER_DIED", message, failure: null, reasons: [] });
    }
  }

  async #abandon({ actorId, message, failure }: { actorId: string; message: string; failure: FailureData }) {
    const record = this.#actors.get(actorId);
    if (record) await this.#actors.end(record, { reason: "CREATION_FAILED", message, failure, reasons: [] });
  }

  async #removeGroup(id: string): Promise<void> {
    await this.#actors.groupRemoved(id, "its placement group was removed");
    this.#groups.remove(id);
  }

  #status(): Omit<RuntimeStatus, "jobId" | "namespace"> {
    return {
      nodes: this.#nodes.describe(),
      actors: this.#actors.describe(),
      placementGroups: this.#groups.describe(),
      pending: this.#scheduler.pending(),
    };
  }
}
