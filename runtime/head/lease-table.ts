// Hosts that are leased to drivers (and to code inside hosts) for their tasks.
import type {
  HostExit,
  LeaseClaims,
  LeaseGrant,
  LeaseRequest,
  LeaseStart,
  RunningHost,
  StartAnswer,
} from "../control/index.ts";
import {
  RuntimeEnvSetupError,
  TaskCancelledError,
  TaskPlacementGroupRemoved,
  TaskUnschedulableError,
  WorkerCrashedError,
} from "../errors/index.ts";
import type { Grant, Refused } from "../placement/index.ts";
import { decodeFailure } from "../wire/index.ts";
import type { HeadServices } from "./head-services.ts";

interface LeaseRecord {
  readonly leaseId: string;
  readonly jobId: string;
  /** The process that asked. */
  readonly holder: string;
  grant: Grant | undefined;
  answer: LeaseGrant | undefined;
  withdraw: () => void;
  /** The running task waits: its CPUs are lent out. */
  takeBack: (() => void) | undefined;
  reject: (error: unknown) => void;
  /** Granted by an earlier head: its holder must say that it still has it. */
  readonly takenUp?: true;
}

export class LeaseTable {
  readonly #services: HeadServices;
  readonly #leases = new Map<string, LeaseRecord>();
  /** Leases that a process says it has, on nodes that have not come back yet after the head was started again. */
  readonly #claims = new Map<string, { readonly holder: string; readonly nodeId: string }>();
  readonly #claimants = new Set<string>();

  constructor(services: HeadServices) {
    this.#services = services;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** What the tasks of a job hold. */
  grantsOf(jobId: string): Grant[] {
    const own = [...this.#leases.values()].filter((record) => record.jobId === jobId);
    return own.flatMap(({ grant }) => grant ?? []);
  }

  /** Answers when there is a host, which may be long. Rejects where there never can be one. */
  ask(request: LeaseRequest, holder: string): Promise<LeaseGrant> {
    const known = this.#leases.get(request.leaseId);
    if (known?.answer) return Promise.resolve(known.answer);
    known?.withdraw();
    return new Promise((resolve, reject) => {
      const record: LeaseRecord = {
        leaseId: request.leaseId,
        jobId: request.jobId,
        holder,
        grant: undefined,
        answer: undefined,
        withdraw: () => {},
        takeBack: undefined,
        reject,
      };
      this.#leases.set(request.leaseId, record);
      record.withdraw = this.#services.scheduler.ask({
        kind: "task",
        id: request.leaseId,
        name: request.name,
        request: request.request,
        granted: (grant) => {
          record.grant = grant;
          this.#start(record, request, grant).then(resolve, reject);
        },
        refused: (refused) => {
          this.#leases.delete(request.leaseId);
          reject(refusal(request, refused));
        },
      });
    });
  }

  /** Gives a lease back, or takes a request for one back. */
  async drop(leaseId: string): Promise<void> {
    const record = this.#leases.get(leaseId);
    if (!record) return;
    this.#leases.delete(leaseId);
    record.withdraw();
    record.reject(new TaskCancelledError("the request for a host was taken back", { taskId: leaseId }));
    await this.#release(record, "endLease");
  }

  /** Ends a leased host's process. */
  async kill(leaseId: string): Promise<void> {
    const record = this.#leases.get(leaseId);
    this.#leases.delete(leaseId);
    if (record) await this.#release(record, "killHost");
  }

  /** The running task waits for others (true), or goes on (false). */
  blocked(leaseId: string, blocked: boolean): void {
    const record = this.#leases.get(leaseId);
    if (blocked) {
      if (record && !record.takeBack) record.takeBack = record.grant?.lendCpus();
    } else {
      record?.takeBack?.();
      if (record) record.takeBack = undefined;
    }
  }

  hostExited({ leaseId, message }: HostExit): void {
    const record = leaseId === null ? undefined : this.#leases.get(leaseId);
    if (record) this.#lost(record, message);
  }

  nodeDied(nodeId: string, reason: string): void {
    for (const record of this.#leases.values()) {
      if (record.grant?.nodeId === nodeId) this.#lost(record, `its node ${nodeId} is dead: ${reason}`);
    }
    this.#unclaim(nodeId, `its node ${nodeId} is dead: ${reason}`);
  }

  /** Done when what a process that is gone had leased is free. */
  async processGone(processId: string): Promise<void> {
    for (const [leaseId, { holder }] of this.#claims) if (holder === processId) this.#claims.delete(leaseId);
    this.#claimants.delete(processId);
    const held = [...this.#leases].filter(([, { holder }]) => holder === processId);
    await Promise.all(held.map(([leaseId]) => this.drop(leaseId)));
  }

  /** Ends what runs in a placement group; the function given back tells the holders, once the group is gone. */
  async endInGroup(groupId: string, message: string): Promise<() => void> {
    const inside = [...this.#leases.values()].filter(({ grant }) => grant?.lease.groupId === groupId);
    await Promise.all(inside.map(({ leaseId }) => this.kill(leaseId)));
    return () => {
      for (const { leaseId, holder, reject } of inside) {
        reject(new TaskPlacementGroupRemoved(message, { placementGroupId: groupId }));
        this.#tellLost(holder, leaseId, message);
      }
    };
  }

  /** A process has come back after the head was started again: it has these leases, or waits for them, and no others. */
  claim(holder: string, claims: LeaseClaims): void {
    this.#claimants.add(holder);
    const claimed = new Set(claims.map(({ leaseId }) => leaseId));
    for (const [leaseId, record] of this.#leases) {
      if (record.holder === holder && record.takenUp && !claimed.has(leaseId)) void this.drop(leaseId);
    }
    for (const { leaseId, nodeId } of claims) {
      // What it waits for, it asks for again.
      if (nodeId === null || this.#leases.has(leaseId)) continue;
      if (this.#services.nodes.get(nodeId)) this.#tellLost(holder, leaseId, "it ended while the head was away");
      else this.#claims.set(leaseId, { holder, nodeId });
    }
  }

  /** Whether a host that a node reports is leased: to a process that has come back and says so, or still may. */
  belongs({ lease }: RunningHost): boolean {
    if (!lease || this.#leases.has(lease.leaseId)) return false;
    return this.#claims.has(lease.leaseId) || !this.#claimants.has(lease.holder);
  }

  /** A node has come back after the head was started again, with these hosts. */
  nodeCameBack(nodeId: string, hosts: readonly RunningHost[]): void {
    for (const { lease, address, blocked } of hosts) {
      if (!lease) continue;
      const { leaseId, jobId, holder, taken } = lease;
      const grant = this.#services.scheduler.takeUp(taken);
      const answer: LeaseGrant = { leaseId, address, nodeId };
      const takeBack = blocked ? grant?.lendCpus() : undefined;
      const [withdraw, reject] = [() => {}, () => {}];
      this.#leases.set(leaseId, { leaseId, jobId, holder, grant, answer, withdraw, takeBack, reject, takenUp: true });
      this.#claims.delete(leaseId);
    }
    this.#unclaim(nodeId, "it ended while the head was away");
  }

  /** The nodes that leases are expected to come back with. */
  expectedNodes(): string[] {
    return [...this.#claims.values()].map(({ nodeId }) => nodeId);
  }

  endStrays(isHere: (processId: string) => boolean): void {
    for (const { holder } of [...this.#leases.values()]) if (!isHere(holder)) void this.processGone(holder);
  }

  #unclaim(lostNode: string, message: string): void {
    for (const [leaseId, { holder, nodeId }] of this.#claims) {
      if (nodeId !== lostNode) continue;
      this.#claims.delete(leaseId);
      this.#tellLost(holder, leaseId, message);
    }
  }

  #tellLost(holder: string, leaseId: string, message: string): void {
    this.#services.clients.tell([holder], "leaseLost", { leaseId, message });
  }

  async #start(record: LeaseRecord, asked: LeaseRequest, grant: Grant): Promise<LeaseGrant> {
    const { leaseId, jobId, name, namespace, runtimeEnv, language } = asked;
    const start: LeaseStart = {
      ...(language && { language }),
      leaseId,
      holder: record.holder,
      taken: grant.lease,
      jobId,
      name,
      namespace,
      runtimeEnv,
      gpuIds: grant.gpuIds,
      resources: grant.resources,
      placementGroupId: groupOf(asked),
    };
    const node = this.#services.nodes.get(grant.nodeId);
    const answer = (await node?.peer.ask("startLease", start)) as StartAnswer | undefined;
    if (!answer) throw new WorkerCrashedError(`node ${grant.nodeId} is gone`);
    if ("failed" in answer) {
      this.#leases.delete(leaseId);
      grant.release();
      const { failure, message } = answer.failed;
      throw failure ? decodeFailure(failure) : new RuntimeEnvSetupError(message);
    }
    record.answer = { leaseId, address: answer.address, nodeId: grant.nodeId };
    return record.answer;
  }

  #lost(record: LeaseRecord, message: string): void {
    const { leaseId } = record;
    this.#leases.delete(leaseId);
    record.grant?.release();
    record.reject(new WorkerCrashedError(message));
    this.#tellLost(record.holder, leaseId, message);
  }

  async #release({ grant, leaseId }: LeaseRecord, how: "endLease" | "killHost"): Promise<void> {
    if (!grant) return;
    const node = this.#services.nodes.get(grant.nodeId);
    if (node && node.state !== "DEAD") await node.peer.ask(how, leaseId).catch(() => undefined);
    grant.release();
  }
}

function groupOf({ request: { strategy } }: LeaseRequest): string | null {
  return strategy.kind === "placementGroup" ? strategy.groupId : null;
}

function refusal({ name, request }: LeaseRequest, { kind, reasons }: Refused) {
  const why = reasons.join("; ");
  if (kind === "unschedulable") return new TaskUnschedulableError(`${name} can never be placed: ${why}`, { reasons });
  const groupId = request.strategy.kind === "placementGroup" ? request.strategy.groupId : "";
  return new TaskPlacementGroupRemoved(`${name} cannot run: ${why}`, { placementGroupId: groupId });
}
