import { describe, expect, test } from "vitest";
import { decideEngine } from "../../../actors/inference/index.ts";
import { UserError } from "../../../configs/index.ts";

const off = { deterministic: false };
const gpu = { cudaDevices: 2, vllmVersion: "0.26.0" };

describe("the choice of an engine", () => {
  test("auto takes vLLM where there is a GPU and vLLM, and says what it found", () => {
    expect(decideEngine("auto", off, gpu)).toEqual({ kind: "vllm", reason: "2 CUDA GPUs and vLLM 0.26.0" });
  });

  test.each([
    ["no GPU", { cudaDevices: 0, vllmVersion: "0.26.0" }, "no CUDA GPU"],
    ["no vLLM", { cudaDevices: 1 }, "no vLLM in the Python environment"],
  ])("auto with %s takes the embedded engine", (_, equipment, reason) => {
    expect(decideEngine("auto", off, equipment)).toEqual({ kind: "embedded", reason });
  });

  test("deterministic makes auto take the embedded engine even with a GPU", () => {
    expect(decideEngine("auto", { deterministic: true }, gpu).kind).toBe("embedded");
  });

  test("vllm is taken at its word without a GPU: the CPU build serves too", () => {
    expect(decideEngine("vllm", off, { cudaDevices: 0, vllmVersion: "0.26.0" }).kind).toBe("vllm");
  });

  test("vllm without vLLM, and vllm with deterministic, are the user's mistakes", () => {
    expect(() => decideEngine("vllm", off, { cudaDevices: 1 })).toThrow(UserError);
    expect(() => decideEngine("vllm", { deterministic: true }, gpu)).toThrow(/deterministic/);
  });
});
