import { describe, test } from "vitest";
import { detectEquipment } from "../../actors/inference/index.ts";
import { engineConformance } from "./engine-conformance.ts";

const { vllmVersion, cudaDevices } = await detectEquipment();

if (vllmVersion === undefined) {
  describe("the vLLM engine", () => test.skip("there is no vLLM in the Python environment", () => {}));
} else {
  engineConformance({
    name: "vLLM",
    concurrency: 24,
    timeoutMs: 900_000,
    engine: {
      kind: "vllm",
      partialRollouts: true,
      timeouts: { startMs: 850_000, healthEveryMs: 2_000 },
      vllm: {
        tensorParallelSize: 1,
        maxModelLen: 512,
        maxNumSeqs: 32,
        dtype: "float32",
        gpuMemoryUtilization: 0.3,
        seed: 0,
        enforceEager: true,
        extraArgs: [],
        // Sleep mode needs CUDA; without it the engine must say that it cannot sleep.
        sleepMode: cudaDevices > 0,
      },
    },
  });
}
