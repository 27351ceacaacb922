// The life of every actor: named, placed, started on its node, made again where it may be, dead of a cause that is told.
import type { ActorCreation, ActorDeath, ActorInfo, ActorStart, HostExit, StartAnswer } from "../control/index.ts";
import type { ActorState } from "../core/index.ts";
import { ActorHandleNotFoundError } from "../errors/index.ts";
import type { Grant } from "../placement/index.ts";
import type { ValueOnWire } from "../wire/index.ts";
import { ActorRecord } from "./actor-record.ts";
import { deathOf, nameKey, taken } from "./actor-refusals.ts";
import type { HeadServices } from "./head-services.ts";

/** A handle may be on its way to another process for so long after the last one known is gone. */
const letGoMs = 1_000;
/** Dead actors that are still shown. */
const deadKept = 10_000;

export class ActorTable {
  readonly #services: HeadServices;
  readonly #actors = new Map<string, ActorRecord>();
  readonly #names = new Map<string, ActorRecord>();
  readonly #dead: string[] = [];

  constructor(services: HeadServices) {
    this.#services = services;
  }

  all(): readonly ActorRecord[] {
    return [...this.#actors.values()];
  }

  get(actorId: string): ActorRecord | undefined {
    return this.#actors.get(actorId);
  }

  /** Answers with the actor that the creator's handle is for. Asked twice, it gives the same answer. */
  async create(creation: ActorCreation): Promise<{ actorId: string; info: ActorInfo }> {
    const { actorId, info, getIfExists } = creation;
    if (this.#actors.has(actorId)) return { actorId, info };
    const holder = info.name === null ? undefined : this.#names.get(nameKey(info.namespace, info.name));
    if (holder && getIfExists) return { actorId: holder.actorId, info: holder.creation.info };
    if (holder && info.name !== null) throw taken(holder, info.name, info.namespace);
    const record = new ActorRecord(creation);
    record.holders.add(creation.owner);
    this.#enter(record);
    await this.#save(record);
    if (record.args !== null) this.#place(record);
    return { actorId, info };
  }

  /** The constructor's arguments are ready. */
  async placeWith(actorId: string, args: readonly ValueOnWire[]): Promise<void> {
    const record = this.#actors.get(actorId);
    if (record?.state !== "DEPENDENCIES_UNREADY") return;
    record.args = args;
    record.move("PENDING_CREATION");
    await this.#save(record);
    this.#place(record);
  }

  find(name: string, namespace: string): { actorId: string; info: ActorInfo } {
    const record = this.#names.get(nameKey(namespace, name));
    if (record) return { actorId: record.actorId, info: record.creation.info };
    const message = `there is no actor named "${name}" in namespace "${namespace}"`;
    throw new ActorHandleNotFoundError(message, { actorName: name, namespace });
  }

  /** Ends as by SIGKILL; done when its processes are gone. */
  async kill(actorId: string, noRestart: boolean): Promise<void> {
    const record = this.#actors.get(actorId);
    if (!record || record.state === "DEAD") return;
    if (!noRestart && record.mayRestart()) {
      if (record.state === "ALIVE") await this.#restart(record);
      return;
    }
    await this.end(record, { reason: "KILLED", message: "it was killed with kill()", failure: null, reasons: [] });
  }

  /** Dies now, whatever it is doing. Done when its processes are gone. */
  async end(record: ActorRecord, death: ActorDeath): Promise<void> {
    if (record.state === "DEAD") return;
    record.death = death;
    record.move("DEAD");
    record.withdraw();
    clearTimeout(record.letGoTimer);
    this.#freeName(record);
    const { holders } = record;
    const saved = this.#save(record);
    this.#tell(record);
    holders.clear();
    await Promise.all([saved, this.#leave(record)]);
    this.#bury(record);
    this.#services.actorEnded(record.actorId);
  }

  /** A process has a handle; it is told of the actor from now on. */
  hold(actorId: string, processId: string): void {
    const record = this.#actors.get(actorId);
    if (!record) return;
    clearTimeout(record.letGoTimer);
    if (record.state !== "DEAD") record.holders.add(processId);
    this.#services.clients.tell([processId], "actor", record.news());
  }

  letGo(actorId: string, processId: string): void {
    const record = this.#actors.get(actorId);
    if (!record?.holders.delete(processId)) return;
    this.#endIfUnheld(record);
  }

  /** A process is gone: so are its handles, and the actors that it created and that are not detached. */
  processGone(processId: string): void {
    for (const record of this.all()) {
      if (record.state === "DEAD") continue;
      if (record.creation.owner === processId && !record.creation.info.detached) {
        const message = `the process that created it (${processId}) has ended`;
        void this.end(record, { reason: "OWNER_DIED", message, failure: null, reasons: [] });
      } else if (record.holders.delete(processId)) this.#endIfUnheld(record);
    }
  }

  hostExited(exit: HostExit): void {
    const record = exit.actorId === null ? undefined : this.#actors.get(exit.actorId);
    if (!record || record.restarts !== exit.restarts || record.state === "DEAD") return;
    this.#lost(record, exit.intended, "WORKER_DIED", exit.message);
  }

  nodeDied(nodeId: string, reason: string): void {
    for (const record of this.all()) {
      if (record.grant?.nodeId !== nodeId || record.state === "DEAD") continue;
      record.grant = undefined;
      this.#lost(record, false, "NODE_DIED", `its node ${nodeId} is dead: ${reason}`);
    }
  }

  groupRemoved(groupId: string, message: string): Promise<unknown> {
    const inside = this.all().filter((record) => record.groupId === groupId && record.state !== "DEAD");
    const death: ActorDeath = { reason: "PLACEMENT_GROUP_REMOVED", message, failure: null, reasons: [] };
    return Promise.all(inside.map((record) => this.end(record, death)));
  }

  /** Takes up what was stored; those that ran wait for their node to say that they still do. */
  restore(record: ActorRecord): void {
    this.#enter(record);
    if (record.state === "DEAD") this.#bury(record);
    else if (record.state === "PENDING_CREATION" || record.state === "RESTARTING") this.#place(record);
  }

  /** A node that came back says that this actor still runs there. */
  takeUp(record: ActorRecord, grant: Grant | undefined): void {
    record.grant = grant;
    this.#tell(record);
  }

  /** A node that came back does not know of this actor any more. */
  missing(record: ActorRecord): void {
    this.#lost(record, false, "WORKER_DIED", "it ended while the head was away");
  }

  describe(): ActorState[] {
    const reasons = new Map(this.#services.scheduler.pending().map(({ id, reasons: why }) => [id, why.join("; ")]));
    return this.all().map((record) => record.describe(reasons.get(record.actorId) ?? null));
  }

  #enter(record: ActorRecord): void {
    this.#actors.set(record.actorId, record);
    const { name, namespace } = record.creation.info;
    if (name !== null && record.state !== "DEAD") this.#names.set(nameKey(namespace, name), record);
  }

  #place(record: ActorRecord): void {
    record.withdraw = this.#services.scheduler.ask({
      kind: "actor",
      id: record.actorId,
      name: record.creation.info.className,
      request: record.creation.request,
      granted: (grant) => {
        record.grant = grant;
        void this.#start(record, grant);
      },
      refused: (refused) => void this.end(record, deathOf(refused)),
    });
  }

  async #start(record: ActorRecord, grant: Grant): Promise<void> {
    const node = this.#services.nodes.get(grant.nodeId);
    const { creation, actorId, restarts } = record;
    record.hostId = `${actorId}#${restarts}`;
    const start: ActorStart = {
      hostId: record.hostId,
      actorId,
      restarts,
      jobId: creation.jobId,
      code: creation.code,
      info: creation.info,
      maxConcurrency: creation.maxConcurrency,
      runtimeEnv: creation.runtimeEnv,
      args: record.args ?? [],
      gpuIds: grant.gpuIds,
      resources: grant.resources,
      placementGroupId: record.groupId,
    };
    // A node that dies meanwhile takes its actors with it: nodeDied() places this one anew.
    const answer = (await node?.peer.ask("startActor", start).catch(() => undefined)) as StartAnswer | undefined;
    if (!answer || record.grant !== grant) return;
    if ("failed" in answer) {
      const { reason, message, failure } = answer.failed;
      await this.end(record, { reason, message, failure, reasons: [] });
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
    const saved = this.#save(record);
    this.#tell(record);
    const leaving = this.#leave(record);
    record.restarts += 1;
    record.address = "";
    await Promise.all([saved, leaving]);
    if (record.state === "RESTARTING") this.#place(record);
  }

  /** Its host is gone by itself. */
  #lost(record: ActorRecord, intended: boolean, reason: "WORKER_DIED" | "NODE_DIED", message: string): void {
    const wasAlive = record.state === "ALIVE";
    if (intended) {
      void this.end(record, { reason: "EXITED", message: "it ended itself", failure: null, reasons: [] });
    } else if (wasAlive && record.mayRestart()) {
      void this.#restart(record);
    } else if (!wasAlive && reason === "NODE_DIED") {
      // It was being started there: nothing of it has run for its callers yet.
      record.withdraw();
      this.#place(record);
    } else {
      void this.end(record, { reason, message, failure: null, reasons: [] });
    }
  }

  /** Ends the incarnation; its resources are free when its processes are gone. */
  async #leave(record: ActorRecord): Promise<void> {
    const { grant, hostId } = record;
    record.grant = undefined;
    if (!grant) return;
    const node = this.#services.nodes.get(grant.nodeId);
    if (node && node.state !== "DEAD") await node.peer.ask("killHost", hostId).catch(() => undefined);
    grant.release();
  }

  #endIfUnheld(record: ActorRecord): void {
    if (record.holders.size > 0 || record.creation.info.detached || record.state === "DEAD") return;
    record.letGoTimer = setTimeout(() => {
      const death: ActorDeath = {
        reason: "OUT_OF_SCOPE",
        message: "its last handle is gone",
        failure: null,
        reasons: [],
      };
      if (record.holders.size === 0) void this.retire(record, death);
    }, letGoMs);
  }

  /** Lets the actor finish what it does and dispose of itself, then ends it. */
  async retire(record: ActorRecord, death: ActorDeath): Promise<void> {
    const node = record.grant && this.#services.nodes.get(record.grant.nodeId);
    if (record.state === "ALIVE") await node?.peer.ask("retireHost", record.hostId).catch(() => undefined);
    await this.end(record, death);
  }

  #tell(record: ActorRecord): void {
    this.#services.clients.tell(record.holders, "actor", record.news());
  }

  #save(record: ActorRecord): Promise<void> {
    return this.#services.store.actors.put(record.actorId, record.stored());
  }

  #freeName(record: ActorRecord): void {
    const { name, namespace } = record.creation.info;
    const key = name === null ? undefined : nameKey(namespace, name);
    if (key !== undefined && this.#names.get(key) === record) this.#names.delete(key);
  }

  #bury(record: ActorRecord): void {
    record.args = null;
    this.#dead.push(record.actorId);
    const oldest = this.#dead.length > deadKept ? this.#dead.shift() : undefined;
    if (oldest === undefined) return;
    this.#actors.delete(oldest);
    void this.#services.store.actors.remove(oldest);
  }
}
