// What a host is used for, and how that is told to the head.
import type { LeaseStart, RunningHost, StartAnswer } from "../control/index.ts";
import { RayError, RaySystemError } from "../errors/index.ts";
import { encodeFailure } from "../wire/index.ts";
import type { HostProcess } from "./host-process.ts";

export interface HostUse {
  readonly host: HostProcess;
  readonly actorId: string | null;
  readonly lease: LeaseStart | null;
  readonly restarts: number;
  readonly jobId: string;
  /** Of its lines, as the driver sees them. */
  readonly source: string;
  /** Nothing of it stays behind that another task could see. */
  readonly reusable: boolean;
  /** Its task waits for others. */
  blocked: boolean;
}

export function describeUse(hostId: string, { host, actorId, lease, restarts, blocked }: HostUse): RunningHost {
  return { hostId, actorId, lease, restarts, blocked, address: host.address, pid: host.pid };
}

/** The answer where a host could not begin. */
export function failed(error: unknown): StartAnswer {
  const known = error instanceof RayError ? error : new RaySystemError(String(error));
  return { failed: { reason: "WORKER_DIED", message: known.message, failure: encodeFailure(known) } };
}
