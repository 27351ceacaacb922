/** What the engine tests need of Python: exact log-probabilities by plain transformers, and a model with other weights. */

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { pythonPath } from "../../actors/learner/index.ts";

export const MODEL = fileURLToPath(new URL("../../tutorial/quickstart_model/model", import.meta.url));
const SCRIPT = fileURLToPath(new URL("engine_reference.py", import.meta.url));

export interface Sampled {
  readonly promptIds: readonly number[];
  readonly tokenIds: readonly number[];
  readonly temperature: number;
}

async function python(job: object): Promise<unknown> {
  const { stdout } = await execa(pythonPath(), [SCRIPT], { input: JSON.stringify(job), env: { OMP_NUM_THREADS: "1" } });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "null");
}

/** Log-probability of each sampled token by one plain forward pass in float32. */
export async function referenceLogprobs(model: string, sampled: readonly Sampled[]): Promise<number[][]> {
  return (await python({ job: "logprobs", model, sampled })) as number[][];
}

/** A copy of the model whose weights are clearly others. */
export async function otherWeights(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "astune-weights-"));
  await cp(MODEL, dir, { recursive: true });
  await python({ job: "perturb", model: MODEL, dir });
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** The largest difference between two lists of lists of the same shape. */
export function largestDifference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? Number.NaN)))));
}
