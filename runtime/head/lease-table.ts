// Hosts that are leased to drivers (and to code inside hosts) for their tasks.
import type { HostExit, LeaseGrant, LeaseRequest, LeaseStart, StartAnswer } from "../control/index.ts";
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
  readonly request: LeaseRequest;
  /** The process that asked. */
  readonly holder: string;
  grant: Grant | undefined;
  answer: LeaseGrant | undefined;
  withdraw: () => void;
  /** The running task waits: its CPUs are lent out. */
  takeBack: (() => void) | undefined;
  reject: (error: unknown) => void;
}

export class LeaseTable {
  readonly #services: HeadServices;
  readonly #leases = new Map<string, LeaseRecord>();

  constructor(services: HeadServices) {
    this.#services = services;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** What the tasks of a job hold. */
  grantsOf(jobId: string): Grant[] {
    return [...this.#leases.values()].flatMap(({ request, grant }) =>
      request.jobId === jobId && grant ? [grant] : [],
    );
  }

  /** Answers when there is a host, which may be long. Rejects where there never can be one. */
  ask(request: LeaseRequest, holder: string): Promise<LeaseGrant> {
    const known = this.#leases.get(request.leaseId);
    if (known?.answer) return Promise.resolve(known.answer);
    known?.withdraw();
    return new Promise((resolve, reject) => {
      const record: LeaseRecord = {
        request,
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
          this.#start(record, grant).then(resolve, reject);
        },
        refused: (refused) => {
          this.#leases.delete(request.leaseId);
          reject(refusal(request, refused));
        },
      });
    });
  }

  /** Gives a lease back, or takes a request for one back. */
  drop(leaseId: string): void {
    const record = this.#leases.get(leaseId);
    if (!record) return;
    this.#leases.delete(leaseId);
    record.withdraw();
    record.reject(new TaskCancelledError("the request for a host was taken back", { taskId: leaseId }));
    void this.#release(record);
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
  }

  processGone(processId: string): void {
    for (const [leaseId, { holder }] of this.#leases) if (holder === processId) this.drop(leaseId);
  }

  async #start(record: LeaseRecord, grant: Grant): Promise<LeaseGrant> {
    const { leaseId, jobId, namespace, runtimeEnv, request } = record.request;
    const { strategy } = request;
    const start: LeaseStart = {
      leaseId,
      jobId,
      namespace,
      runtimeEnv,
      gpuIds: grant.gpuIds,
      resources: grant.resources,
      placementGroupId: strategy.kind === "placementGroup" ? strategy.groupId : null,
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
    const { leaseId } = record.request;
    this.#leases.delete(leaseId);
    record.grant?.release();
    record.reject(new WorkerCrashedError(message));
    this.#services.clients.tell([record.holder], "leaseLost", { leaseId, message });
  }

  async #release({ grant, request }: LeaseRecord): Promise<void> {
    if (!grant) return;
    const node = this.#services.nodes.get(grant.nodeId);
    if (node && node.state !== "DEAD") await node.peer.ask("endLease", request.leaseId).catch(() => undefined);
    grant.release();
  }
}

function refusal({ name, request }: LeaseRequest, { kind, reasons }: Refused) {
  const why = reasons.join("; ");
  if (kind === "unschedulable") return new TaskUnschedulableError(`${name} can never be placed: ${why}`, { reasons });
  const groupId = request.strategy.kind === "placementGroup" ? request.strategy.groupId : "";
  return new TaskPlacementGroupRemoved(`${name} cannot run: ${why}`, { placementGroupId: groupId });
}
