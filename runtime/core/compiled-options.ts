// Complete options: nothing optional is left open, and everything is known to be valid.
import type { ResourceRequest } from "../scheduling/index.ts";
import type { RetryExceptions } from "./options.ts";
import type { RuntimeEnv } from "./runtime-env.ts";

/** Retry decisions of one call. `maxTaskRetries` and `maxRetries` both become `retries`; -1 is without limit. */
export interface CompiledCallOptions {
  readonly numReturns: number | "streaming" | undefined;
  readonly retries: number;
  readonly retryExceptions: RetryExceptions;
  readonly backpressure: number;
}

export interface CompiledActorOptions {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly detached: boolean;
  readonly getIfExists: boolean;
  readonly maxRestarts: number;
  readonly maxTaskRetries: number;
  readonly retryExceptions: RetryExceptions;
  readonly maxPendingCalls: number;
  readonly maxConcurrency: number;
  readonly concurrencyGroups: Readonly<Record<string, number>>;
  /** Calls of one submitter run in the order in which they were made. */
  readonly ordered: boolean;
  readonly request: ResourceRequest;
  readonly runtimeEnv: RuntimeEnv;
}

export interface CompiledTaskOptions extends CompiledCallOptions {
  readonly name: string;
  readonly request: ResourceRequest;
  readonly runtimeEnv: RuntimeEnv;
}
