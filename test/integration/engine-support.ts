/** What the engine tests need of Python: exact log-probabilities by plain transformers, and a model with other weights. */

import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pythonPath } from "../../actors/learner/index.ts";

export const MODEL = fileURLToPath(new URL("../../tutorial/quickstart_model/model", import.meta.url));
const SCRIPT = fileURLToPath(new URL("engine_reference.py", import.meta.url));

export interface Sampled {
  readonly promptIds: readonly number[];
  readonly tokenIds: readonly number[];
  readonly temperature: number;
}

/** A Python process that answers one job after another; its start is the expensive part. */
export class Reference {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor() {
    const env = { ...process.env, OMP_NUM_THREADS: "1" };
    this.#child = spawn(pythonPath(), [SCRIPT], { stdio: ["pipe", "pipe", "inherit"], env });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
  }

  /** Log-probability of each sampled token by one plain forward pass in float32. */
  async logprobs(model: string, sampled: readonly Sampled[]): Promise<number[][]> {
    return (await this.#ask({ job: "logprobs", model, sampled })) as number[][];
  }

  /** A copy of a model whose weights are clearly others. */
  async otherWeights(model = MODEL): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), "astune-weights-"));
    await cp(model, dir, { recursive: true });
    await this.#ask({ job: "perturb", model, dir });
    return dir;
  }

  /** The folder of a small random Llama with tied embeddings; its tokenizer is the quickstart's model's. */
  async tiedLlama(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), "astune-llama-"));
    for (const file of ["tokenizer.json", "tokenizer_config.json"]) await cp(join(MODEL, file), join(dir, file));
    await this.#ask({ job: "llama", dir });
    return dir;
  }

  close(): void {
    this.#child.stdin?.end();
  }

  async #ask(job: object): Promise<unknown> {
    const reply = new Promise<string>((resolve, reject) => {
      this.#lines.once("line", resolve);
      this.#child.once("exit", (code) => reject(new Error(`engine_reference.py ended with ${code}`)));
    });
    this.#child.stdin?.write(`${JSON.stringify(job)}\n`);
    return (JSON.parse(await reply) as { result: unknown }).result;
  }
}

export function removeFolder(dir: string): Promise<void> {
  return rm(dir, { recursive: true, force: true });
}

/** The largest difference between two lists of lists of the same shape. */
export function largestDifference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? Number.NaN)))));
}
