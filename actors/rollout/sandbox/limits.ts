/** The limits of a sandbox with nothing left open. */

import { availableParallelism } from "node:os";
import type { SandboxLimits } from "./sandbox.ts";

/** Every limit, in milliseconds and bytes. */
export type CompleteLimits = Readonly<Required<SandboxLimits>>;

/** Fills in the defaults and checks the rest. Throws a `RangeError` for a limit that is not a positive number. */
export function completeLimits(limits: SandboxLimits): CompleteLimits {
  const complete: CompleteLimits = {
    timeMs: limits.timeMs ?? 10_000,
    memoryBytes: limits.memoryBytes ?? 512 * 2 ** 20,
    outputBytes: limits.outputBytes ?? 64 * 2 ** 10,
    processes: limits.processes ?? 32,
    fileBytes: limits.fileBytes ?? 16 * 2 ** 20,
    concurrency: limits.concurrency ?? availableParallelism(),
    kind: limits.kind ?? "auto",
  };
  for (const [name, value] of Object.entries(complete)) {
    if (typeof value === "number" && !(Number.isFinite(value) && value >= 1)) {
      throw new RangeError(`sandbox limit ${name}: expected a number of at least 1, got ${value}`);
    }
  }
  return complete;
}
