// The head: places, names and watches. No call of an actor and no value passes through it, so that it can be away for a
// while under running jobs.
import type { ActorCreation, HostExit, LeaseClaims } from "../control/index.ts";
import type { RuntimeStatus } from "../core/index.ts";
import { Scheduler } from "../placement/index.ts";
import { LinkServer, Peer, type PeerHandlers, type Tls } from "../transport/index.ts";
import type { FailureData, ValueOnWire } from "../wire/index.ts";
import { ActorRecord } from "./actor-record.ts";
import { ActorTable } from "./actor-table.ts";
import { checkedCreation, checkedGroup, checkedLease, checkedRegistration, isLog } from "./checked.ts";
import { ClientTable } from "./client-table.ts";
import { DriverJobs } from "./driver-jobs.ts";
import { FrontDesk } from "./front-desk.ts";
import { GroupDesk } from "./group-desk.ts";
import type { HeadServices } from "./head-services.ts";
import type { HeadStore } from "./head-store.ts";
import { heldByJob } from "./held-by-job.ts";
import { LeaseTable } from "./lease-table.ts";
import { Membership } from "./membership.ts";
import { NodeTable } from "./node-table.ts";
import { PlacementTimes } from "./placement-times.ts";

export interface HeadOptions {
  readonly headId: string;
  readonly token: string;
  readonly tls: Tls | undefined;
  readonly store: HeadStore;
  /** A node, or a driver, without a connection for so long is dead. */
  readonly silenceMs: number;
  log(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export class Head {
  readonly #server: LinkServer;
  readonly #scheduler: Scheduler;
  readonly #nodes: NodeTable;
  readonly #clients = new ClientTable();
  readonly #actors: ActorTable;
  readonly #leases: LeaseTable;
  readonly #groups: GroupDesk;
  readonly #members: Membership;
  readonly #drivers = new DriverJobs(this.#clients);
  readonly #desk: FrontDesk;
  readonly #placements = new PlacementTimes();

  constructor(options: HeadOptions) {
    this.#scheduler = new Scheduler([], (groupId) => this.#groups.table.view(groupId), true);
    this.#nodes = new NodeTable(this.#scheduler.nodes, options.store);
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
    const { headId, silenceMs, log } = options;
    const [actors, leases, groups] = [this.#actors, this.#leases, this.#groups];
    this.#members = new Membership({
      headId,
      silenceMs,
      services,
      actors,
      leases,
      groups,
      drivers: this.#drivers,
      log,
    });
    const desk = {
      ...services,
      actors: this.#actors,
      heldBy: (jobId: string) => heldByJob(jobId, this.#actors, this.#leases, this.#groups),
      jobEnded: (jobId: string) => this.#endGroups(jobId),
      groups: this.#groups,
    };
    this.#desk = new FrontDesk(desk, this.#drivers);
    const handlers: PeerHandlers = {
      request: (method, payload, peer) => {
        if (method === "register") return this.#members.register(checkedRegistration(payload), peer);
        return this.#members.afterJoining(peer, () => this.#request(method, payload, peer));
      },
      event: (topic, payload, peer) => {
        const late = this.#members.afterJoining(peer, () => this.#event(topic, payload, peer));
        // As what cannot be read at once: the session ends with it, and nothing else.
        if (late instanceof Promise) late.catch((error: unknown) => this.#members.ended(peer, String(error)));
      },
      up: (peer) => this.#members.up(peer),
      down: (peer, reason) => this.#members.down(peer, reason),
      ended: (peer, error) => this.#members.ended(peer, error.message),
    };
    this.#server = new LinkServer({
      processId: options.headId,
      token: options.token,
      tls: options.tls,
      graceMs: 2 * options.silenceMs,
      accept: (processId, session) => new Peer(processId, handlers, session),
    });
    for (const group of options.store.groups.all()) this.#groups.restore(group);
    for (const stored of options.store.actors.all()) this.#actors.restore(ActorRecord.restored(stored));
    this.#desk.jobs.restore(options.store.jobs.all());
    this.#members.expectReturn();
  }

  /** Listens at `host:port` or `unix:/path`; gives the port. */
  listen(target: string): Promise<number> {
    return this.#server.listen(target);
  }

  close(): void {
    this.#members.close();
    this.#server.close();
  }

  #request(method: string, payload: unknown, peer: Peer): unknown {
    switch (method) {
      case "createActor":
        return this.#create(checkedCreation(payload));
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
      case "letGo":
        return this.#actors.letGo(payload as string, peer.processId);
      case "lease":
        return this.#leases.ask(checkedLease(payload), peer.processId);
      case "createGroup":
        return this.#groups.create(checkedGroup(payload), peer.processId);
      case "removeGroup":
        return this.#members.removeGroup(payload as string);
      case "hostExited":
        this.#actors.hostExited(payload as HostExit);
        this.#leases.hostExited(payload as HostExit);
        return null;
      case "nodes":
        return this.#nodes.describe();
      case "groups":
        return this.#groups.describe();
      case "status":
        return this.#status();
      case "drainNode":
        return this.#nodes.drain(payload as string);
      case "placementTimes":
        return this.#placements.facts(payload as number);
      case "isGone":
        return this.#members.isGone(payload as string);
      case "leave":
        return this.#members.clientGone(peer.processId).then(() => null);
      default:
        return this.#desk.answer(method, payload);
    }
  }

  #event(topic: string, payload: unknown, peer: Peer): void {
    switch (topic) {
      case "hold":
        this.#actors.hold(payload as string, peer.processId);
        break;
      case "dropLease":
        void this.#leases.drop(payload as string);
        break;
      case "killLease":
        void this.#leases.kill(payload as string);
        break;
      case "blocked":
        this.#leases.blocked(payload as string, true);
        break;
      case "unblocked":
        this.#leases.blocked(payload as string, false);
        break;
      case "log":
        if (isLog(payload)) this.#clients.log(payload);
        break;
      case "leases":
        this.#leases.claim(peer.processId, payload as LeaseClaims);
        break;
      default:
    }
  }

  #create(creation: ActorCreation): Promise<unknown> {
    const readMs = performance.now();
    const created = this.#actors.create(creation);
    if (this.#actors.get(creation.actorId)?.grant) this.#placements.placed(readMs);
    return created;
  }

  #endGroups(jobId: string): void {
    for (const id of this.#groups.endingWith((creation) => creation.jobId === jobId))
      void this.#members.removeGroup(id);
  }

  /** The groups that an actor created end with it, and so does the job that it runs. */
  #actorEnded(actorId: string): void {
    for (const id of this.#groups.endingWith(({ ownerActorId }) => ownerActorId === actorId))
      void this.#members.removeGroup(id);
    this.#desk.jobs.actorEnded(actorId);
  }

  async #abandon({ actorId, message, failure }: { actorId: string; message: string; failure: FailureData }) {
    const record = this.#actors.get(actorId);
    if (record) await this.#actors.end(record, { reason: "CREATION_FAILED", message, failure, reasons: [] });
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
