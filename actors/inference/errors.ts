/** What goes wrong with an engine, by what the caller can do: `retryable` says whether the same call may yet succeed. */

import { registerErrorClass } from "../../runtime/index.ts";

/** The base of all engine errors. */
export abstract class EngineError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
}

/** The server is gone, or went while it worked on this request. */
export class EngineDiedError extends EngineError {
  readonly code = "ENGINE_DIED";
  readonly retryable = true;
  readonly lastOutput: readonly string[];
  /** True when nobody listened: the server has not seen the request. */
  readonly isUnseen: boolean;

  constructor(
    facts: { during: string; how?: string; lastOutput?: readonly string[]; isUnseen?: boolean },
    options?: ErrorOptions,
  ) {
    const tail = facts.lastOutput?.length ? `; its last output:\n${facts.lastOutput.join("\n")}` : "";
    super(`The engine died during ${facts.during}${facts.how ? ` (${facts.how})` : ""}${tail}`, options);
    this.name = "EngineDiedError";
    this.lastOutput = facts.lastOutput ?? [];
    this.isUnseen = facts.isUnseen ?? false;
  }
}

/** No answer in time; the server may hang. */
export class EngineTimeoutError extends EngineError {
  readonly code = "ENGINE_TIMEOUT";
  readonly retryable = true;
  readonly waitedMs: number;

  constructor(facts: { during: string; waitedMs: number }, options?: ErrorOptions) {
    super(`The engine gave no answer to ${facts.during} within ${facts.waitedMs} ms`, options);
    this.name = "EngineTimeoutError";
    this.waitedMs = facts.waitedMs;
  }
}

/** The server answered with an HTTP error: 5xx may pass, 4xx will not. */
export class EngineRequestError extends EngineError {
  readonly code = "ENGINE_REQUEST";
  readonly retryable: boolean;
  readonly status: number;

  constructor(facts: { during: string; status: number; message: string }) {
    super(`The engine refused ${facts.during} (HTTP ${facts.status}): ${facts.message}`);
    this.name = "EngineRequestError";
    this.status = facts.status;
    this.retryable = facts.status >= 500 || facts.status === 429;
  }
}

/** The server did not come up. */
export class EngineStartError extends EngineError {
  readonly code = "ENGINE_START";
  readonly retryable = false;
  readonly logFile: string;

  constructor(facts: { why: string; logFile: string; lastOutput: readonly string[] }, options?: ErrorOptions) {
    const tail = facts.lastOutput.length ? `; its last output:\n${facts.lastOutput.join("\n")}` : "";
    super(`The engine did not start: ${facts.why} (log: ${facts.logFile})${tail}`, options);
    this.name = "EngineStartError";
    this.logFile = facts.logFile;
  }
}

/** A weight swap failed; the engine serves `servedVersion` again. */
export class WeightSwapError extends EngineError {
  readonly code = "WEIGHT_SWAP";
  readonly retryable = true;
  readonly servedVersion: number;

  constructor(facts: { version: number; servedVersion: number; why: string }, options?: ErrorOptions) {
    super(
      `Weights of version ${facts.version} could not be loaded: ${facts.why}; ` +
        `the engine serves version ${facts.servedVersion} again`,
      options,
    );
    this.name = "WeightSwapError";
    this.servedVersion = facts.servedVersion;
  }
}

/** A weights folder that no engine may see: incomplete, unreadable, or with values that are not finite. */
export class BadWeightsError extends EngineError {
  readonly code = "BAD_WEIGHTS";
  readonly retryable = false;
  readonly dir: string;

  constructor(facts: { dir: string; why: string }, options?: ErrorOptions) {
    super(`The weights in ${facts.dir} cannot be served: ${facts.why}`, options);
    this.name = "BadWeightsError";
    this.dir = facts.dir;
  }
}

/** True for an error that says of itself that the same call may yet succeed. */
export function isRetryable(error: unknown): boolean {
  return error instanceof Error && "retryable" in error && error.retryable === true;
}

/** The server did not fall asleep or wake up, whatever it answered. */
export class EngineSleepError extends EngineError {
  readonly code = "ENGINE_SLEEP";
  readonly retryable = false;

  constructor(facts: { wanted: "asleep" | "awake"; why: string }) {
    super(`The engine is not ${facts.wanted}: ${facts.why}`);
    this.name = "EngineSleepError";
  }
}

// A caller in another process asks what it may do about an error, too.
for (const Class of [
  EngineDiedError,
  EngineTimeoutError,
  EngineRequestError,
  EngineStartError,
  WeightSwapError,
  BadWeightsError,
  EngineSleepError,
]) {
  registerErrorClass(Class);
}
