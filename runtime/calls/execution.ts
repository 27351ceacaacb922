// One call that a host is about to run, and what it does with what comes out.
import type { ExecutionContext } from "../core/index.ts";
import type { Carrier } from "./carrier.ts";
import type { CallMessage, Outcome } from "./channel.ts";

/** Watches the calls of a host. */
export interface CallObserver {
  /** A call begins. What it gives is told when the call ends; undefined: this call is only counted. */
  began(task: { readonly taskId: string }, functionName: string): CallWatch | undefined;
  failed(functionName: string, error: unknown, watch: CallWatch | undefined): void;
}

export interface CallWatch {
  ended(): void;
}

export interface Execution {
  readonly message: CallMessage;
  readonly context: ExecutionContext;
  readonly carrier: Carrier;
  /** The code gives its result at once, in a process with a resident context (see `runSynchronously`). */
  readonly synchronous?: boolean;
  invoke(args: unknown[]): unknown;
  /** Turns what was thrown into an outcome of its own, where it is not just an error of the code. */
  intercept?(error: unknown): Outcome | undefined;
  reply(outcome: Outcome): void;
  readonly observer?: CallObserver | undefined;
  /** The code has really ended, whether anyone still waits for its answer or not. */
  finished(): void;
}
