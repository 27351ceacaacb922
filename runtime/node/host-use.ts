// What a host is used for, and how that is told to the head.
import type { ActorStart, LeaseStart, RunningHost, StartAnswer } from "../control/index.ts";
import { RayError, RaySystemError, RuntimeEnvSetupError } from "../errors/index.ts";
import { encodeFailure } from "../wire/index.ts";
import type { HostPool } from "./host-pool.ts";
import type { HostProcess } from "./host-process.ts";

export interface HostUse {
  readonly host: HostProcess;
  readonly pool: HostPool;
  readonly actorId: string | null;
  readonly lease: LeaseStart | null;
  readonly restarts: number;
  readonly jobId: string;
  /** Whose its lines are, as the driver sees them. */
  readonly source: string;
  /** Nothing of it stays behind that another task could see. */
  readonly reusable: boolean;
  /** Its task waits for others. */
  blocked: boolean;
}

/** A use that has no host yet. */
export type NewUse = Omit<HostUse, "host" | "pool" | "blocked">;

export function actorUse({ actorId, restarts, jobId, info }: ActorStart): NewUse {
  const source = info.name === null ? info.className : `${info.className}(${info.name})`;
  return { actorId, lease: null, restarts, jobId, source, reusable: false };
}

export function leaseUse(lease: LeaseStart): NewUse {
  const { gpuIds, runtimeEnv, jobId, name } = lease;
  const reusable = gpuIds.length === 0 && Object.keys(runtimeEnv).length === 0;
  return { actorId: null, lease, restarts: 0, jobId, source: name, reusable };
}

export function describeUse(hostId: string, { host, actorId, lease, restarts, blocked }: HostUse): RunningHost {
  return { hostId, actorId, lease, restarts, blocked, address: host.address, pid: host.pid };
}

/** The answer where a host could not begin. */
export function failed(error: unknown): Extract<StartAnswer, { failed: unknown }> {
  const known = error instanceof RayError ? error : new RaySystemError(String(error));
  const reason = known instanceof RuntimeEnvSetupError ? "RUNTIME_ENV" : "WORKER_DIED";
  return { failed: { reason, message: known.message, failure: encodeFailure(known) } };
}
