/** Training samples as the kernel's batch file: sequences end to end, in shared memory where the machine has it. */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { sharedRoot } from "../../runtime/processes/index.ts";
import type { TrainingSequence } from "../episode.ts";
import { type Tensor, writeSafetensors } from "./safetensors.ts";

/** A sequence, with an advantage where there is one. */
export type BatchSample = TrainingSequence & { readonly advantage?: number };

/** The tensors of the batch file. T tokens in all, N sequences; the samples' arrays must have one length each. */
export function batchTensors(samples: readonly BatchSample[]): Record<string, Tensor> {
  const total = samples.reduce((sum, sample) => sum + sample.tokenIds.length, 0);
  const tokenIds = new Int32Array(total);
  const lossMask = new Uint8Array(total);
  const logprobs = new Float32Array(total);
  let at = 0;
  for (const [index, sample] of samples.entries()) {
    const length = sample.tokenIds.length;
    if (sample.lossMask.length !== length || sample.logprobs.length !== length)
      throw new RangeError(
        `sample ${index}: ${length} tokens, ${sample.lossMask.length} mask values, ${sample.logprobs.length} log-probabilities`,
      );
    tokenIds.set(sample.tokenIds, at);
    lossMask.set(sample.lossMask, at);
    logprobs.set(sample.logprobs, at);
    at += length;
  }
  return {
    token_ids: { data: tokenIds, shape: [total] },
    seq_lens: { data: Int32Array.from(samples, (sample) => sample.tokenIds.length), shape: [samples.length] },
    loss_mask: { data: lossMask, shape: [total] },
    logprobs: { data: logprobs, shape: [total] },
    advantages: { data: Float32Array.from(samples, (sample) => sample.advantage ?? 0), shape: [samples.length] },
  };
}

/** A folder in shared memory (or the temporary folder) for `use`; it is removed afterwards, whatever happened. */
export async function inSharedFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(await sharedRoot(), "astune-batch-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes the samples as a batch file, gives its path to `use` with a folder to answer in, and removes both. */
export function withBatchFile<T>(
  samples: readonly BatchSample[],
  use: (path: string, folder: string) => Promise<T>,
): Promise<T> {
  return inSharedFolder(async (folder) => {
    const path = join(folder, "batch.safetensors");
    await writeSafetensors(path, batchTensors(samples));
    return use(path, folder);
  });
}
