// Jobs, as the head keeps them and tells of them. All are plain data.
import type { CodeRef } from "../code/index.ts";
import type { RuntimeEnv } from "../core/index.ts";
import type { ResourceRequest } from "../scheduling/index.ts";
import type { ValueOnWire } from "../wire/index.ts";

/** Ray's names. STOPPED, SUCCEEDED and FAILED are ends. */
export type JobStateName = "PENDING" | "RUNNING" | "STOPPED" | "SUCCEEDED" | "FAILED";

/** Why a job failed, in Ray's words. */
export type JobErrorType =
  | "RUNTIME_ENV_SETUP_FAILURE"
  | "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE"
  | "JOB_SUPERVISOR_ACTOR_DIED"
  | "JOB_ENTRYPOINT_COMMAND_START_ERROR"
  | "JOB_ENTRYPOINT_COMMAND_ERROR";

/** `submitJob`. The answer is a `JobInfo`. */
export interface JobSubmission {
  readonly jobId: string;
  /** Of one submission, however often it is asked. */
  readonly requestId: string;
  readonly name: string;
  /** What it runs, for people. */
  readonly entrypoint: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly user: string;
  /** What the job and its actors will take together, in units; it waits until so much is free. */
  readonly resources: Readonly<Record<string, number>>;
  readonly className: string;
  /** The actor that runs the entry, and its constructor's arguments. */
  readonly code: CodeRef;
  readonly args: readonly ValueOnWire[];
  readonly request: ResourceRequest;
  readonly runtimeEnv: RuntimeEnv;
  readonly maxRestarts: number;
}

/** `jobEnded`: how the entry ended, as the process that ran it says. */
export interface JobOutcome {
  readonly jobId: string;
  readonly status: "SUCCEEDED" | "FAILED";
  readonly message: string;
}

/** A job, or a driver, which is a job that nobody submitted. */
export interface JobInfo {
  readonly type: "SUBMISSION" | "DRIVER";
  readonly jobId: string;
  readonly name: string;
  readonly status: JobStateName;
  readonly entrypoint: string;
  /** One line: how it is, or how it ended. */
  readonly message: string;
  readonly errorType: JobErrorType | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly user: string;
  /** As users write them. */
  readonly resources: Readonly<Record<string, number>>;
  readonly runtimeEnv: RuntimeEnv;
  /** Milliseconds since the epoch. */
  readonly submittedMs: number;
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly exitCode: number | null;
  /** The actor that runs it, and where. */
  readonly actorId: string | null;
  readonly nodeId: string | null;
  readonly pid: number | null;
  /** While it waits: what it lacks. */
  readonly pendingReasons: readonly string[];
  readonly driver: { readonly id: string; readonly nodeIpAddress: string; readonly pid: string } | null;
}
