/** Samples as the kernel's batch file. */

import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { batchTensors, withBatchFile } from "../../../actors/learner/batch.ts";
import { readSafetensors } from "../../../actors/learner/index.ts";

const sample = (tokenIds: number[], lossMask: (0 | 1)[], advantage: number) => ({
  tokenIds,
  lossMask,
  logprobs: lossMask.map((m) => (m === 1 ? -0.5 : 0)),
  weightVersions: lossMask.map(() => 0),
  advantage,
});

test("sequences lie end to end, with their lengths and advantages beside them", async () => {
  const samples = [sample([5, 6, 7], [0, 1, 1], 0.5), sample([8, 9], [0, 1], -2)];
  const read = await withBatchFile(samples, (path) => readSafetensors(path));
  expect(read["token_ids"]?.data).toEqual(Int32Array.of(5, 6, 7, 8, 9));
  expect(read["seq_lens"]?.data).toEqual(Int32Array.of(3, 2));
  expect(read["loss_mask"]?.data).toEqual(Uint8Array.of(0, 1, 1, 0, 1));
  expect(read["logprobs"]?.data).toEqual(Float32Array.of(0, -0.5, -0.5, 0, -0.5));
  expect(read["advantages"]?.data).toEqual(Float32Array.of(0.5, -2));
});

test("the file is gone after its use, also when the use failed", async () => {
  let seen = "";
  const use = async (path: string) => {
    seen = path;
    expect(existsSync(path)).toBe(true);
    throw new Error("no");
  };
  await expect(withBatchFile([sample([1, 2], [0, 1], 1)], use)).rejects.toThrow("no");
  expect(existsSync(seen)).toBe(false);
});

test("arrays of different lengths are refused", () => {
  expect(() => batchTensors([{ ...sample([1, 2], [0, 1], 1), logprobs: [0] }])).toThrow(
    "sample 0: 2 tokens, 2 mask values, 1 log-probabilities",
  );
});
