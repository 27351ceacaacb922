// One submitted job as the head knows it.
import type { JobErrorType, JobInfo, JobStateName, JobSubmission } from "../control/index.ts";
import { fromUnits } from "../scheduling/index.ts";

/** A job as it is stored. */
export interface StoredJob {
  readonly submission: JobSubmission;
  readonly status: JobStateName;
  readonly message: string;
  readonly errorType: JobErrorType | null;
  readonly submittedMs: number;
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** The actor that runs it, once it may start. */
  readonly actorId: string | null;
  /** It was asked to stop. */
  readonly stopping: boolean;
}

/** The states of a job, and which may follow which. */
const next = {
  PENDING: ["RUNNING", "STOPPED", "FAILED", "SUCCEEDED"],
  RUNNING: ["STOPPED", "SUCCEEDED", "FAILED"],
  STOPPED: [],
  SUCCEEDED: [],
  FAILED: [],
} as const satisfies Record<JobStateName, readonly JobStateName[]>;

export class JobRecord {
  submission: JobSubmission;
  readonly submittedMs: number;
  status: JobStateName = "PENDING";
  message = "";
  errorType: JobErrorType | null = null;
  startMs: number | null = null;
  endMs: number | null = null;
  actorId: string | null = null;
  stopping = false;
  /** While it waits to start: what it lacks. */
  reasons: readonly string[] = [];
  withdraw: () => void = () => {};

  constructor(submission: JobSubmission, submittedMs: number) {
    this.submission = submission;
    this.submittedMs = submittedMs;
  }

  static restored(stored: StoredJob): JobRecord {
    const record = new JobRecord(stored.submission, stored.submittedMs);
    const { status, message, errorType, startMs, endMs, actorId, stopping } = stored;
    return Object.assign(record, { status, message, errorType, startMs, endMs, actorId, stopping });
  }

  get jobId(): string {
    return this.submission.jobId;
  }

  get ended(): boolean {
    return next[this.status].length === 0;
  }

  move(to: JobStateName, nowMs: number): void {
    const allowed: readonly JobStateName[] = next[this.status];
    if (!allowed.includes(to)) throw new Error(`job ${this.jobId} cannot go from ${this.status} to ${to}`);
    this.status = to;
    if (to === "RUNNING") this.startMs = nowMs;
    else this.endMs = nowMs;
    // Nobody starts it again: its arguments, and the message that they lie in, are not kept.
    if (this.ended) this.submission = { ...this.submission, args: [] };
  }

  stored(): StoredJob {
    const { submission, submittedMs, status, message, errorType, startMs, endMs, actorId, stopping } = this;
    return { submission, submittedMs, status, message, errorType, startMs, endMs, actorId, stopping };
  }

  /** `pendingReasons`: of its actor, where that waits. */
  describe(place: { nodeId: string | null; pid: number | null; pendingReasons: readonly string[] }): JobInfo {
    const { jobId, name, entrypoint, metadata, user, resources, runtimeEnv } = this.submission;
    const pendingReasons = this.status === "PENDING" ? [...this.reasons, ...place.pendingReasons] : [];
    return {
      type: "SUBMISSION",
      jobId,
      name,
      status: this.status,
      entrypoint,
      message: this.ended ? this.message : this.#now(pendingReasons),
      errorType: this.errorType,
      metadata,
      user,
      resources: fromUnits(resources),
      runtimeEnv,
      submittedMs: this.submittedMs,
      startMs: this.startMs,
      endMs: this.endMs,
      exitCode: this.status === "SUCCEEDED" ? 0 : this.errorType === "JOB_ENTRYPOINT_COMMAND_ERROR" ? 1 : null,
      actorId: this.actorId,
      nodeId: place.nodeId,
      pid: place.pid,
      pendingReasons,
      driver: null,
    };
  }

  #now(reasons: readonly string[]): string {
    if (this.stopping) return "Job is being stopped.";
    if (this.status === "RUNNING") return "Job is currently running.";
    const waits = reasons.length === 0 ? "" : ` It waits for resources: ${reasons.join("; ")}.`;
    return `Job has not started yet.${waits}`;
  }
}
