/** The contract of a sandbox: a place where code of the model runs and can reach nothing of the user's. */

import type { CodeResult } from "../workflow.ts";

/** Loose limits as a caller gives them; what is left out has the default of {@link completeLimits}. */
export interface SandboxLimits {
  /** Wall time of one run. Default 10,000. */
  readonly timeMs?: number;
  /** Address space of each process. Default 512 MiB. */
  readonly memoryBytes?: number;
  /** What stdout and stderr may hold together before the run is stopped. Default 64 KiB. */
  readonly outputBytes?: number;
  /** Processes and threads of one run. Default 32. */
  readonly processes?: number;
  /** Size of each file, and of everything in the run's own /tmp. Default 16 MiB. */
  readonly fileBytes?: number;
  /** Runs at once; more wait. Default: the number of cores. */
  readonly concurrency?: number;
  /** Which sandbox. Default `auto`: bubblewrap where it works, else Pyodide. */
  readonly kind?: "auto" | "bubblewrap" | "pyodide";
}

/** What one run gave. A run that a limit stopped has return code -1 and says in `stderr` which limit. */
export interface SandboxResult extends CodeResult {
  /** Whether stdout holds anything but white space. */
  readonly printed: boolean;
  readonly timedOut: boolean;
}

/** A sandbox for Python code. Runs see nothing of each other, and nothing of a run outlives it. */
export interface Sandbox {
  readonly kind: "bubblewrap" | "pyodide";
  /**
   * Runs `code` as the main program of a fresh Python. Never rejects for what the code does; rejects with the
   * signal's reason when `signal` is aborted, and with a {@link SandboxError} when the sandbox itself cannot run.
   */
  run(code: string, signal?: AbortSignal): Promise<SandboxResult>;
  /** Ends all runs and everything the sandbox started. May be called twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The sandbox itself failed, not the code in it. */
export class SandboxError extends Error {
  readonly code = "SANDBOX_FAILED";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SandboxError";
  }
}
