// The life of every actor: named, placed, started on its node, made again where it may be, dead of a cause that is told.
import type { ActorCreation, ActorDeath, ActorInfo, HostExit, RunningHost, StartAnswer } from "../control/index.ts";
import type { ActorState } from "../core/index.ts";
import type { Grant } from "../placement/index.ts";
import type { ValueOnWire } from "../wire/index.ts";
import { deathBy, deathOf } from "./actor-deaths.ts";
import { ActorIndex } from "./actor-index.ts";
import { endingWith } from "./actor-lineage.ts";
import { ActorNames, taken } from "./actor-names.ts";
import { ActorRecord } from "./actor-record.ts";
import { EarlyHolds } from "./early-holds.ts";
import type { HeadServices } from "./head-services.ts";
import { LastDead } from "./last-dead.ts";

/** A handle may be on its way to another process for so long after the last one known is gone. */
const letGoMs = 1_000;

export class ActorTable {
  readonly #services: HeadServices;
  readonly index = new ActorIndex();
  readonly #names = new ActorNames();
  readonly #dead = new LastDead(10_000);
  readonly #early = new EarlyHolds();

  constructor(services: HeadServices) {
    this.#services = services;
  }

  all(): readonly ActorRecord[] {
    return this.index.all();
  }

  get(actorId: string): ActorRecord | undefined {
    return this.index.get(actorId);
  }

  /** Answers with the actor that the creator's handle is for. Asked twice, it gives the same answer. */
  async create(creation: ActorCreation): Promise<{ actorId: string; info: ActorInfo }> {
    const { actorId, info, getIfExists } = creation;
    if (this.index.get(actorId)) return { actorId, info };
    const holder = info.name === null ? undefined : this.#names.holder(info.name, info.namespace);
    if (holder && getIfExists) return { actorId: holder.actorId, info: holder.creation.info };
    if (holder && info.name !== null) throw taken(holder, info.name, info.namespace);
    const record = new ActorRecord(creation);
    for (const holder of [creation.owner, ...this.#early.take(actorId)]) record.hold(holder);
    this.#enter(record);
    // Its place is stored with it. Whoever asked is answered after that; its node is told meanwhile.
    if (record.args !== null) this.#place(record, false);
    await this.#save(record);
    return { actorId, info };
  }

  /** The constructor's arguments are ready. */
  async placeWith(actorId: string, args: readonly ValueOnWire[]): Promise<void> {
    const record = this.index.get(actorId);
    if (record?.state !== "DEPENDENCIES_UNREADY") return;
    record.give(args);
    record.move("PENDING_CREATION");
    this.#place(record, false);
    await this.#save(record);
  }

  find(name: string, namespace: string): { actorId: string; info: ActorInfo } {
    const { actorId, creation } = this.#names.find(name, namespace);
    return { actorId, info: creation.info };
  }

  /** Ends as by SIGKILL; done when its processes are gone. */
  async kill(actorId: string, noRestart: boolean): Promise<void> {
    const record = this.index.get(actorId);
    if (!record || record.state === "DEAD") return;
    if (!noRestart && record.mayRestart()) {
      if (record.state === "ALIVE") await this.#restart(record);
      return;
    }
    await this.end(record, deathBy("KILLED", "it was killed with kill()"));
  }

  /** Dies now, whatever it is doing. Done when its processes are gone. */
  async end(record: ActorRecord, death: ActorDeath): Promise<void> {
    if (record.state === "DEAD") return;
    record.death = death;
    record.args = null;
    record.move("DEAD");
    record.withdraw();
    record.heldAgain();
    this.#names.free(record);
    this.index.dead(record);
    const saved = this.#save(record);
    this.#tell(record);
    for (const holder of record.holders) record.letGo(holder);
    await Promise.all([saved, this.#leave(record)]);
    this.#bury(record);
    this.#services.actorEnded(record.actorId);
    for (const made of this.index.madeIn.get(record.actorId)) {
      if (made.creation.info.detached) continue;
      void this.end(made, deathBy("OWNER_DIED", `the actor that created it (${record.actorId}) has ended`));
    }
  }

  /** A process has a handle; it is told of the actor from now on. */
  hold(actorId: string, processId: string): void {
    const record = this.index.get(actorId);
    if (!record) {
      this.#early.add(actorId, processId);
      return;
    }
    record.heldAgain();
    if (record.state !== "DEAD") record.hold(processId);
    this.#services.clients.tell([processId], "actor", record.news());
  }

  /** A process has no handle of it any more; done when it has ended for that, or at once where others have. */
  async letGo(actorId: string, processId: string): Promise<void> {
    const record = this.index.get(actorId);
    if (record?.letGo(processId)) await this.#endIfUnheld(record);
  }

  /** A process is gone, with its handles, the actors that it `owns`, and those of its `jobId` that no detached one made. */
  async processGone(processId: string, { owns, jobId }: { owns: boolean; jobId: string | null }): Promise<void> {
    const ended = endingWith(processId, { owns, jobId }, this.index).map(([record, message]) => {
      return this.end(record, deathBy("OWNER_DIED", message));
    });
    for (const record of this.index.heldBy.get(processId)) if (record.letGo(processId)) void this.#endIfUnheld(record);
    await Promise.all(ended);
  }

  hostExited(exit: HostExit): void {
    const record = exit.actorId === null ? undefined : this.index.get(exit.actorId);
    if (!record || record.restarts !== exit.restarts || record.state === "DEAD") return;
    this.#lost(record, exit.intended, "WORKER_DIED", exit.message);
  }

  nodeDied(nodeId: string, reason: string): void {
    for (const record of this.index.onNode.get(nodeId)) {
      if (record.state === "DEAD") continue;
      record.given(undefined);
      this.#lost(record, false, "NODE_DIED", `its node ${nodeId} is dead: ${reason}`);
    }
  }

  groupRemoved(groupId: string, message: string): Promise<unknown> {
    const death = deathBy("PLACEMENT_GROUP_REMOVED", message);
    return Promise.all(this.index.inGroup.get(groupId).map((record) => this.end(record, death)));
  }

  /** Takes up what was stored; those that were on a node wait for it to come back. */
  restore(record: ActorRecord): void {
    this.#enter(record);
    const { state, expected } = record;
    if (state === "DEAD") this.#bury(record);
    else if (!expected && state !== "DEPENDENCIES_UNREADY" && state !== "ALIVE") this.#place(record);
  }

  /** Whether a host that a node reports is one that this head knows of. */
  belongs({ hostId, actorId }: RunningHost, nodeId: string): boolean {
    const record = actorId === null ? undefined : this.index.get(actorId);
    return record !== undefined && record.state !== "DEAD" && record.hostId === hostId && record.home === nodeId;
  }

  /** A node has come back after the head was started again, with these hosts. */
  nodeCameBack(nodeId: string, hostIds: ReadonlySet<string>): void {
    for (const record of this.index.onNode.get(nodeId)) {
      const { expected, state } = record;
      if (expected === undefined || state === "DEAD") continue;
      const grant = this.#services.scheduler.takeUp(expected);
      record.given(grant);
      if (!grant) void this.groupRemoved(record.groupId ?? "", "its placement group was removed");
      else if (state !== "ALIVE") void this.#start(record, grant);
      else if (hostIds.has(record.hostId)) this.#tell(record);
      else this.#lost(record, false, "WORKER_DIED", "it ended while the head was away");
    }
  }

  /** The nodes that actors are expected to come back with. */
  expectedNodes(): readonly string[] {
    return this.index.onNode.keys();
  }

  /** Ends what nobody can use any more because its creator, or its last user, did not come back. */
  endStrays(isHere: (processId: string) => boolean): void {
    for (const owner of this.index.ownedBy.keys()) {
      if (!isHere(owner)) void this.processGone(owner, { owns: true, jobId: null });
    }
    for (const record of this.all()) void this.#endIfUnheld(record);
  }

  describe(): ActorState[] {
    const reasons = new Map(this.#services.scheduler.pending().map(({ id, reasons: why }) => [id, why.join("; ")]));
    return this.all().map((record) => record.describe(reasons.get(record.actorId) ?? null));
  }

  #enter(record: ActorRecord): void {
    this.index.add(record);
    if (record.state !== "DEAD") this.#names.take(record);
  }

  /** `stores`: a place that is granted at once is stored at once; else the caller does that. */
  #place(record: ActorRecord, stores = true): void {
    let storing = stores;
    record.withdraw = this.#services.scheduler.ask({
      kind: "actor",
      id: record.actorId,
      name: record.creation.info.className,
      request: record.creation.request,
      granted: (grant) => {
        record.given(grant);
        record.hostId = `${record.actorId}#${record.restarts}`;
        if (storing) void this.#save(record);
        void this.#start(record, grant);
      },
      refused: (refused) => void this.end(record, deathOf(refused)),
    });
    storing = true;
  }

  async #start(record: ActorRecord, grant: Grant): Promise<void> {
    const peer = this.#services.nodes.get(grant.nodeId)?.peer;
    // A node that dies meanwhile takes its actors with it: nodeDied() places this one anew.
    const asked = peer?.ask("startActor", record.startWith(grant)) as Promise<StartAnswer> | undefined;
    const answer = await asked?.catch(() => undefined);
    if (!answer || record.grant !== grant) return;
    if ("failed" in answer) {
      await this.end(record, { ...answer.failed, reasons: [] });
      return;
    }
    record.address = answer.address;
    record.pid = answer.pid;
    record.move("ALIVE");
    await this.#save(record);
    if (record.grant === grant) this.#tell(record);
  }

  async #restart(record: ActorRecord): Promise<void> {
    record.move("RESTARTING");
    const leaving = this.#leave(record);
    record.restarts += 1;
    record.address = "";
    record.hostId = "";
    const saved = this.#save(record);
    this.#tell(record);
    await Promise.all([saved, leaving]);
    if (record.state === "RESTARTING") this.#place(record);
  }

  /** Its host is gone by itself. */
  #lost(record: ActorRecord, intended: boolean, reason: "WORKER_DIED" | "NODE_DIED", message: string): void {
    const wasAlive = record.state === "ALIVE";
    if (intended) {
      void this.end(record, deathBy("EXITED", "it ended itself"));
    } else if (wasAlive && record.mayRestart()) {
      void this.#restart(record);
    } else if (!wasAlive && reason === "NODE_DIED") {
      // It was being started there: nothing of it has run for its callers yet.
      record.withdraw();
      this.#place(record);
    } else {
      void this.end(record, deathBy(reason, message));
    }
  }

  /** Ends the incarnation; its resources are free when its processes are gone. */
  async #leave(record: ActorRecord): Promise<void> {
    const { grant, hostId } = record;
    record.given(undefined);
    if (!grant) return;
    const node = this.#services.nodes.get(grant.nodeId);
    if (node && node.state !== "DEAD") await node.peer.ask("killHost", hostId).catch(() => undefined);
    grant.release();
  }

  async #endIfUnheld(record: ActorRecord): Promise<void> {
    if (record.holders.size > 0 || record.creation.info.detached || record.state === "DEAD") return;
    await record.unheld(letGoMs, () => this.retire(record, deathBy("OUT_OF_SCOPE", "its last handle is gone")));
  }

  /** Lets the actor finish what it does and dispose of itself, then ends it. */
  async retire(record: ActorRecord, death: ActorDeath): Promise<void> {
    const peer = record.grant && this.#services.nodes.get(record.grant.nodeId)?.peer;
    if (record.state === "ALIVE") await peer?.ask("retireHost", record.hostId).catch(() => undefined);
    await this.end(record, death);
  }

  #tell(record: ActorRecord): void {
    this.#services.clients.tell(record.holders, "actor", record.news());
  }

  #save(record: ActorRecord): Promise<void> {
    return this.#services.store.actors.put(record.actorId, record.stored());
  }

  #bury(record: ActorRecord): void {
    const oldest = this.#dead.add(record.actorId);
    if (oldest !== undefined && this.index.forget(oldest)) void this.#services.store.actors.remove(oldest);
  }
}
