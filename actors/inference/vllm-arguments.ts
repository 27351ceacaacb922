/** The command line and environment of a vLLM server; pure. */

import type { VllmOptions } from "./options.ts";

/** The name that requests give the model: paths stay out of them. */
export const MODEL_NAME = "model";

export function vllmArguments(modelPath: string, socketPath: string, options: VllmOptions): string[] {
  return [
    "serve",
    modelPath,
    ...["--served-model-name", MODEL_NAME],
    // A Unix socket in a private folder: the management routes have no lock of their own.
    ...["--uds", socketPath],
    ...["--dtype", options.dtype],
    ...["--max-model-len", String(options.maxModelLen)],
    ...["--max-num-seqs", String(options.maxNumSeqs)],
    ...["--tensor-parallel-size", String(options.tensorParallelSize)],
    ...["--gpu-memory-utilization", String(options.gpuMemoryUtilization)],
    ...["--seed", String(options.seed)],
    // Log-probabilities of the distribution that is sampled from: after temperature.
    ...["--logprobs-mode", "processed_logprobs"],
    // No sampling defaults from the model's folder: what is not asked for is off.
    ...["--generation-config", "vllm"],
    // Our own `reload_weights_whole`; the module lies beside the launcher, where Python looks first.
    ...["--worker-extension-cls", "vllm_reload.ReloadExtension"],
    "--enable-prefix-caching",
    "--disable-uvicorn-access-log",
    ...(options.enforceEager ? ["--enforce-eager"] : []),
    ...(options.sleepMode ? ["--enable-sleep-mode"] : []),
    ...options.extraArgs,
  ];
}

export function vllmEnvironment(options: VllmOptions): Record<string, string> {
  return {
    VLLM_SERVER_DEV_MODE: "1",
    VLLM_NO_USAGE_STATS: "1",
    DO_NOT_TRACK: "1",
    PYTHONUNBUFFERED: "1",
    // GiB for keys and values of vLLM's CPU build, whose own default takes a share of the machine.
    VLLM_CPU_KVCACHE_SPACE: process.env["VLLM_CPU_KVCACHE_SPACE"] ?? "1",
    ...options.environment,
  };
}
