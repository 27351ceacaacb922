// Who belongs to the cluster: nodes and clients that join, go quiet, come back, and are declared dead. Who was declared
// dead is turned away for good: what was theirs has been ended, or made again elsewhere.
import type { AgentRegistration, ClientRegistration, ClientWelcome, RunningHost } from "../control/index.ts";
import { parseAddress } from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";
import type { Peer } from "../transport/index.ts";
import { isOfDetached } from "./actor-lineage.ts";
import type { ActorTable } from "./actor-table.ts";
import type { DriverJobs } from "./driver-jobs.ts";
import type { GroupDesk } from "./group-desk.ts";
import type { HeadServices } from "./head-services.ts";
import type { LeaseTable } from "./lease-table.ts";
import { Watch } from "./watch.ts";

export interface MembershipOptions {
  readonly headId: string;
  readonly silenceMs: number;
  readonly services: HeadServices;
  readonly actors: ActorTable;
  readonly leases: LeaseTable;
  readonly groups: GroupDesk;
  readonly drivers: DriverJobs;
  log(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** Clients that were declared dead and are remembered, so that they are turned away. */
const goneKept = 100_000;

export class Membership {
  readonly #options: MembershipOptions;
  readonly #watch: Watch;
  readonly #gone = new Set<string>();
  /** Nodes that are being taken in. */
  readonly #joining = new Map<Peer, Promise<unknown>>();
  #return: NodeJS.Timeout | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#watch = new Watch(options.silenceMs);
  }

  /** What an earlier head knew of has the silence limit to come back. */
  expectReturn(): void {
    const { services } = this.#options;
    for (const nodeId of this.#expected()) {
      const dead = services.nodes.deathOf(nodeId);
      if (dead !== undefined) this.#lostWith(nodeId, dead);
    }
    this.#return = setTimeout(() => this.#endStrays(), this.#options.silenceMs);
  }

  register(registration: AgentRegistration | ClientRegistration, peer: Peer): unknown {
    if (registration.kind === "agent") {
      const joining =
        this.#joining.get(peer) ?? this.#join(registration, peer).finally(() => this.#joining.delete(peer));
      this.#joining.set(peer, joining);
      return joining;
    }
    const { headId, services, groups, log } = this.#options;
    const { processId } = peer;
    if (this.#gone.has(processId)) {
      throw new RaySystemError("this process was silent for too long: what it had made has been ended; start it again");
    }
    services.clients.add(registration, peer);
    this.#options.drivers.joined(registration);
    this.#watch.joined(peer, registration.address);
    groups.tellAgain(processId);
    log({ processId, kind: registration.kind, pid: registration.pid }, "client joined");
    const nodes = services.nodes.all().filter(({ state }) => state !== "DEAD");
    const welcome: ClientWelcome = {
      headId,
      nodes: nodes.map(({ registration: { nodeId, hostname, sessionFolder, ip } }) => {
        return { nodeId, hostname, sessionFolder, ip };
      }),
    };
    return welcome;
  }

  /** Does this once the node has been taken in that is just coming: what it tells is of what it comes with. */
  afterJoining<T>(peer: Peer, act: () => T): T | Promise<T> {
    const joining = this.#joining.get(peer);
    return joining === undefined ? act() : joining.then(act, act);
  }

  up(peer: Peer): void {
    this.#watch.heard(peer);
  }

  down(peer: Peer, reason: string): void {
    const { nodes, clients } = this.#options.services;
    const address = nodes.byPeer(peer)?.registration.address ?? clients.get(peer.processId)?.registration.address;
    if (address === undefined) return;
    this.#watch.silent(peer, address, (why) => this.ended(peer, `${why} (${reason})`));
  }

  /** A process is gone, or counts as gone from now on. */
  ended(peer: Peer, reason: string): void {
    const { nodes, clients } = this.#options.services;
    const node = nodes.byPeer(peer);
    const client = clients.get(peer.processId);
    if (node) this.nodeDied(node.registration.nodeId, reason);
    else if (client?.peer === peer) void this.clientGone(peer.processId);
    this.#watch.forget(peer);
    peer.end(new RaySystemError(reason));
  }

  /** A client says that it leaves, or is known to be gone. Done when what ends with it has ended. */
  async clientGone(processId: string): Promise<void> {
    const { services, actors, leases, groups, log } = this.#options;
    const client = services.clients.get(processId);
    if (!client || this.#gone.has(processId)) return;
    this.#remember(processId);
    const { jobId, kind, actorId } = client.registration;
    log({ processId, kind, jobId }, "client left");
    services.clients.tellAll("processGone", processId);
    for (const node of services.nodes.all()) node.peer.tell("processGone", processId);
    this.#options.drivers.left(client.registration);
    const isDriver = kind === "driver";
    const ending = groups.endingWith((creation) => {
      return isDriver && creation.jobId === jobId && !isOfDetached(creation.ownerActorId, actors);
    });
    // What a task has made ends with its job or its last handle: the task's process is not its own.
    const owns = isDriver || actorId !== null;
    await Promise.all([
      actors.processGone(processId, { owns, jobId: isDriver ? jobId : null }),
      leases.processGone(processId),
      ...ending.map((id) => this.removeGroup(id)),
    ]);
    // A driver has been told by now what its processes printed until their end.
    services.clients.remove(processId);
  }

  /** Whether a client has left, or was declared dead. */
  isGone(processId: string): boolean {
    return this.#gone.has(processId);
  }

  async removeGroup(id: string): Promise<void> {
    const { actors, leases, groups } = this.#options;
    const message = "its placement group was removed";
    groups.close(id);
    const [tellHolders] = await Promise.all([leases.endInGroup(id, message), actors.groupRemoved(id, message)]);
    const removed = groups.remove(id);
    tellHolders();
    await removed;
  }

  close(): void {
    clearTimeout(this.#return);
    this.#watch.close();
  }

  async #join(registration: AgentRegistration, peer: Peer): Promise<{ readonly headId: string }> {
    const { headId, services, actors, leases, groups, log } = this.#options;
    const { nodeId } = registration;
    const known = services.nodes.get(nodeId);
    const dead = services.nodes.deathOf(nodeId);
    if (dead !== undefined) {
      throw new RaySystemError(`node ${nodeId} was declared dead (${dead}) and must not come back: start it again`);
    }
    if (known) {
      services.nodes.rejoin(known, peer);
      return { headId };
    }
    for (const exit of registration.exits) actors.hostExited(exit);
    const hosts = await this.#withoutStrays(registration, peer);
    services.nodes.join(registration, peer);
    this.#watch.joined(peer, registration.address);
    log({ nodeId, hostname: registration.hostname, ip: registration.ip }, "node joined");
    groups.nodeCameBack(nodeId);
    actors.nodeCameBack(nodeId, new Set(hosts.map(({ hostId }) => hostId)));
    leases.nodeCameBack(nodeId, hosts);
    services.scheduler.pump();
    return { headId };
  }

  /** Ends the hosts that nobody knows of, before anything of the node is given to others. Gives the ones that stay. */
  async #withoutStrays({ nodeId, hosts }: AgentRegistration, peer: Peer): Promise<readonly RunningHost[]> {
    const { actors, leases } = this.#options;
    let left = hosts;
    for (;;) {
      const strays = left.filter((host) => !actors.belongs(host, nodeId) && !leases.belongs(host));
      if (strays.length === 0) return left;
      await Promise.all(strays.map(({ hostId }) => peer.ask("killHost", hostId)));
      // An actor may have been ended meanwhile: its host is a stray now.
      left = left.filter((host) => !strays.includes(host));
    }
  }

  nodeDied(nodeId: string, reason: string): void {
    const { services, log } = this.#options;
    if (services.nodes.deathOf(nodeId) !== undefined) return;
    log({ nodeId, reason }, "node died");
    services.nodes.dead(nodeId, reason);
    this.#lostWith(nodeId, reason);
    for (const { registration } of services.clients.all()) {
      const address = parseAddress(registration.address);
      if (address.nodeId === nodeId && registration.kind === "host") void this.clientGone(address.processId);
    }
  }

  #expected(): ReadonlySet<string> {
    const { actors, leases, groups } = this.#options;
    return new Set([...actors.expectedNodes(), ...groups.expectedNodes(), ...leases.expectedNodes()]);
  }

  #lostWith(nodeId: string, reason: string): void {
    const { actors, leases, groups } = this.#options;
    groups.nodeDied(nodeId);
    actors.nodeDied(nodeId, reason);
    leases.nodeDied(nodeId, reason);
  }

  /** Nobody else will come back: what waits for those who did not is made again elsewhere, or ended. */
  #endStrays(): void {
    const { services, actors, leases, groups } = this.#options;
    const { nodes, clients } = services;
    for (const nodeId of this.#expected()) {
      if (!nodes.get(nodeId)) this.nodeDied(nodeId, "it did not come back after the head was started again");
    }
    const isHere = (processId: string) => clients.get(processId) !== undefined;
    actors.endStrays(isHere);
    leases.endStrays(isHere);
    const jobs = new Set(clients.all().map(({ registration }) => registration.jobId));
    const ending = groups.endingWith(
      ({ jobId, ownerActorId }) => !jobs.has(jobId) && !isOfDetached(ownerActorId, actors),
    );
    for (const id of ending) void this.removeGroup(id);
  }

  #remember(processId: string): void {
    this.#gone.add(processId);
    if (this.#gone.size <= goneKept) return;
    const [oldest] = this.#gone;
    this.#gone.delete(oldest ?? "");
  }
}
