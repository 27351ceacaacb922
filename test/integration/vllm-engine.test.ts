import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { detectEquipment, InferenceActor, type VllmOptions } from "../../actors/inference/index.ts";
import { engineConformance } from "./engine-conformance.ts";
import { largestDifference, Reference, removeFolder } from "./engine-support.ts";

const { vllmVersion, cudaDevices } = await detectEquipment();

const TIMEOUT_MS = 900_000;
const TIMEOUTS = { startMs: 850_000, healthEveryMs: 2_000 };
const VLLM: VllmOptions = {
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
};

if (vllmVersion === undefined) {
  describe("the vLLM engine", () => test.skip("there is no vLLM in the Python environment", () => {}));
} else {
  engineConformance({
    name: "vLLM",
    concurrency: 24,
    timeoutMs: TIMEOUT_MS,
    engine: { kind: "vllm", partialRollouts: true, timeouts: TIMEOUTS, vllm: VLLM },
  });

  // vLLM has a layer of its own for the head of a tied Llama, and none for that of the model above.
  test("new weights reach an output head that shares the embedding's", { timeout: TIMEOUT_MS }, async () => {
    const reference = new Reference();
    const logDir = await mkdtemp(join(tmpdir(), "astune-logs-"));
    const model = await reference.tiedLlama();
    const other = await reference.otherWeights(model);
    const engine = new InferenceActor({
      kind: "vllm",
      partialRollouts: true,
      modelPath: model,
      logDir,
      timeouts: TIMEOUTS,
      vllm: VLLM,
    });
    try {
      await engine.start();
      await engine.setWeights({ dir: other, version: 1 });
      const request = { promptIds: [40, 47, 54, 61, 68], temperature: 1 };
      const sampling = { maxTokens: 64, topP: 1, topK: -1, seed: 1, stopTokenIds: [] };
      const reply = await engine.generate({ requestId: "t", ...request, ...sampling });
      const exact = await reference.logprobs(other, [{ ...request, tokenIds: reply.tokenIds }]);
      expect(largestDifference([reply.logprobs], exact)).toBeLessThan(1e-4);
    } finally {
      await engine.close();
      reference.close();
      for (const folder of [model, other, logDir]) await removeFolder(folder);
    }
  });
}
