/** The result of a run in the words that the model reads. */

import type { CompleteLimits } from "./limits.ts";
import type { SandboxResult } from "./sandbox.ts";

/** What stopped a run before its end, if anything did. `death`: the sandbox went down under it. */
export type StoppedBy = "time" | "output" | "memory" | "death" | undefined;

/** What a sandbox has of a finished run. */
export interface RawRun {
  readonly returnCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stoppedBy: StoppedBy;
}

/** The result of a run; one that was stopped has return code -1 and a last line in stderr that says why. */
export function resultOf(run: RawRun, limits: CompleteLimits): SandboxResult {
  const stopped = run.stoppedBy !== undefined;
  const returnCode = stopped ? -1 : run.returnCode;
  const stderr = stopped ? appendLine(run.stderr, reasonOf(run.stoppedBy, limits)) : run.stderr;
  return {
    text: `<returncode>${returnCode}</returncode><stdout>${run.stdout}</stdout><stderr>${stderr}</stderr>`,
    returnCode,
    stdout: run.stdout,
    stderr,
    printed: run.stdout.trim() !== "",
    timedOut: run.stoppedBy === "time",
  };
}

function reasonOf(stoppedBy: StoppedBy, limits: CompleteLimits): string {
  switch (stoppedBy) {
    case "time":
      return `TimeoutError: The code execution exceeded the timeout of ${limits.timeMs / 1000} seconds.`;
    case "output":
      return `OutputLimitError: The output is longer than ${limits.outputBytes} bytes; the rest was cut and the code stopped.`;
    case "memory":
      return `MemoryError: The code used more than ${Math.round(limits.memoryBytes / 2 ** 20)} MiB or ${limits.processes} processes.`;
    case "death":
      return "SandboxError: The code brought its sandbox down.";
    case undefined:
      return "";
  }
}

function appendLine(text: string, line: string): string {
  return text === "" || text.endsWith("\n") ? text + line : `${text}\n${line}`;
}
