/** What goes wrong between this process and the kernel: a request that failed there, or a kernel that is gone. */

import { registerErrorClass } from "../../runtime/index.ts";

/** A request that the kernel answered with an error. `type` is stable: OutOfMemory, DiskFull, NotFinite, BadRequest, … */
export class KernelError extends Error {
  readonly code = "KERNEL_ERROR";
  readonly type: string;
  readonly method: string;
  /** The Python traceback, for a log. */
  readonly traceback: string;

  constructor(facts: { type: string; method: string; message: string; traceback: string }) {
    super(facts.message);
    this.name = "KernelError";
    this.type = facts.type;
    this.method = facts.method;
    this.traceback = facts.traceback;
  }
}

/** How a kernel ended. */
export interface KernelEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The last lines of its standard error. */
  readonly lastOutput: readonly string[];
  readonly logFile: string;
}

/** The kernel's process is gone: every call under way and every later one is rejected with this. */
export class KernelDiedError extends Error {
  readonly code = "KERNEL_DIED";
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly lastOutput: readonly string[];
  readonly logFile: string;

  constructor(end: KernelEnd, during: string, options?: ErrorOptions) {
    const how = end.signal ? `was ended by ${end.signal}` : `ended with exit code ${end.exitCode ?? "unknown"}`;
    const output =
      end.lastOutput.length === 0 ? "it printed nothing" : `its last output:\n${end.lastOutput.join("\n")}`;
    super(`The training kernel ${how} ${during} (log: ${end.logFile}); ${output}`, options);
    this.name = "KernelDiedError";
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.lastOutput = end.lastOutput;
    this.logFile = end.logFile;
  }
}

// A caller in another process tells a kernel that died from one that refused.
for (const Class of [KernelError, KernelDiedError]) registerErrorClass(Class);
