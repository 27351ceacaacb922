/** Chooses the sandbox that works on this machine. */

import { UserError } from "../../../configs/index.ts";
import { BubblewrapSandbox } from "./bubblewrap-sandbox.ts";
import { completeLimits } from "./limits.ts";
import { PyodideSandbox } from "./pyodide-sandbox.ts";
import type { Sandbox, SandboxLimits } from "./sandbox.ts";

/**
 * Opens a sandbox: bubblewrap where code really runs in it, else Pyodide in a worker thread. Throws a `UserError` when
 * the kind that was asked for does not work here.
 */
export async function openSandbox(limits: SandboxLimits = {}): Promise<Sandbox> {
  const complete = completeLimits(limits);
  if (complete.kind === "pyodide") return PyodideSandbox.open(complete);
  try {
    return await BubblewrapSandbox.open(complete);
  } catch (error) {
    if (complete.kind === "auto") return PyodideSandbox.open(complete);
    const found = error instanceof Error ? error.message : String(error);
    const fix = "install bubblewrap and python3, or leave the kind out to use Pyodide";
    throw new UserError({ where: "sandbox", expected: "bubblewrap", found, fix }, { cause: error });
  }
}
