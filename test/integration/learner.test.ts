/** The learner with its real kernel: a tiny random model is trained, exported, kept and restored. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  KernelDiedError,
  LearnerActor,
  type LearnerOptions,
  pythonPath,
  type TrainingSample,
  type TrainOptions,
  writeSafetensors,
} from "../../actors/learner/index.ts";
import { UserError } from "../../configs/index.ts";

const MAKE_MODEL = `
import sys, torch
from transformers import Qwen2Config, Qwen2ForCausalLM
torch.manual_seed(1)
Qwen2ForCausalLM(Qwen2Config(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
  num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True, eos_token_id=1)).save_pretrained(sys.argv[1])
`;

const trainOptions: TrainOptions = {
  algorithm: "grpo",
  temperature: 1,
  clipRatioLow: 0.2,
  clipRatioHigh: 0.28,
  clipRatioC: 3,
  lossAggregation: "token-mean",
  maxSequenceLength: 64,
  importanceSamplingCap: 2,
  klLossCoef: 0.001,
  klLossType: "k3",
  miniBatches: 1,
  maxTokensPerMicroBatch: 64,
};

let folder: string;
let modelPath: string;
/** The kernel that the tests share, each loading the model afresh: a process takes seconds to start. */
let actor: LearnerActor;
const others: LearnerActor[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-learner-test-"));
  modelPath = join(folder, "model");
  execFileSync(pythonPath(), ["-c", MAKE_MODEL, modelPath], { stdio: ["ignore", "ignore", "pipe"] });
  actor = learner("shared");
});

afterAll(async () => {
  await actor.close();
  await rm(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await Promise.all(others.splice(0).map((other) => other.close()));
});

function learner(name: string, onEvent?: (event: { event: string }) => void): LearnerActor {
  const environment = { OMP_NUM_THREADS: "1" };
  return new LearnerActor({ logDir: join(folder, "logs"), name, environment, ...(onEvent ? { onEvent } : {}) });
}

const options = (): LearnerOptions => ({
  modelPath,
  dtype: "float32",
  device: "cpu",
  seed: 1,
  gradientCheckpointing: false,
  reference: true,
  optimizer: {
    lr: 0.01,
    betas: [0.9, 0.95],
    weightDecay: 0,
    gradClip: 1,
    warmupSteps: 0,
    schedule: "constant",
    minLrRatio: 0,
    totalUpdates: 0,
  },
});

function sample(index: number, length: number): TrainingSample {
  const lossMask = Array.from({ length }, (_, i): 0 | 1 => (i > length / 3 ? 1 : 0));
  return {
    tokenIds: Array.from({ length }, (_, i) => (i * 7 + index * 13) % 64),
    lossMask,
    logprobs: lossMask.map((m) => m * -4.1),
    weightVersions: lossMask.map((m) => m - 1),
    advantage: index % 2 === 0 ? 1 : -1,
  };
}

const samples = [20, 33, 15, 28].map((length, index) => sample(index, length));

test("a step raises the probability of what was rewarded, and its files are left nowhere", async () => {
  const before = readdirSync("/dev/shm").filter((name) => name.startsWith("astune-batch-")).length;
  expect(await actor.hello()).toMatchObject({ device: expect.any(String), threads: expect.any(Number) });
  expect(await actor.load(options())).toMatchObject({ device: "cpu", modelType: "qwen2" });
  const first = await actor.logprobs(samples, 1);
  expect(first.map((row) => row.length)).toEqual([20, 33, 15, 28]);
  expect(first[0]?.slice(0, 7)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  const metrics = await actor.train(samples, trainOptions, join(folder, "bad"));
  expect(metrics).toMatchObject({
    updates: 1,
    skippedUpdates: 0,
    skippedBatches: [],
    totalTokens: 96,
    klLoss: 0,
    ratioMax: 1,
  });
  expect(metrics.trainedTokens).toBe(samples.flatMap((s) => s.lossMask).reduce((a: number, b) => a + b, 0));
  expect(metrics.mismatchMean).toBeGreaterThan(0.5);
  for (let i = 0; i < 4; i++) await actor.train(samples, trainOptions, join(folder, "bad"));
  const sum = (rows: number[][], index: number) => (rows[index] ?? []).reduce((a, b) => a + b, 0);
  const last = await actor.logprobs(samples, 1);
  expect(sum(last, 0)).toBeGreaterThan(sum(first, 0));
  expect(sum(last, 1)).toBeLessThan(sum(first, 1));
  expect(readdirSync("/dev/shm").filter((name) => name.startsWith("astune-batch-")).length).toBe(before);
});

test("weights are exported whole, and a checkpoint goes on in another process with the same numbers", async () => {
  await actor.load(options());
  await actor.train(samples, trainOptions, folder);
  await actor.saveCheckpoint(join(folder, "checkpoint"));
  const next = await actor.train(samples, trainOptions, folder);
  await actor.exportWeights(join(folder, "exported"));
  expect(readdirSync(join(folder, "exported")).sort()).toEqual([
    "config.json",
    "generation_config.json",
    "model.safetensors",
  ]);
  const other = learner("second");
  others.push(other);
  await other.load(options());
  await other.loadCheckpoint(join(folder, "checkpoint"));
  const again = await other.train(samples, trainOptions, folder);
  expect({ ...again, seconds: 0 }).toEqual({ ...next, seconds: 0 });
  expect(await other.logprobs(samples, 0.7)).toEqual(await actor.logprobs(samples, 0.7));
});

test("a poisoned batch is skipped, counted and kept", async () => {
  await actor.load(options());
  const before = await actor.logprobs(samples, 1);
  const poisoned = [{ ...sample(0, 20), advantage: Number.NaN }];
  const metrics = await actor.train(poisoned, trainOptions, join(folder, "bad"));
  expect(metrics).toMatchObject({ updates: 0, skippedUpdates: 1, loss: Number.NaN });
  expect(metrics.skippedBatches.map((path) => existsSync(path))).toEqual([true]);
  expect(await actor.logprobs(samples, 1)).toEqual(before);
});

test("a kernel killed in the middle of a step is an error with its last output, not a hang", async () => {
  let working: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    working = resolve;
  });
  const doomed = learner("killed", (event) => event.event === "progress" && working());
  others.push(doomed);
  await doomed.load(options());
  const many = Array.from({ length: 3_000 }, (_, index) => sample(index, 60));
  const training = doomed.train(many, trainOptions, folder).catch((error: unknown) => error);
  await begun;
  process.kill(doomed.pid, "SIGKILL");
  const error = await training;
  expect(error).toBeInstanceOf(KernelDiedError);
  expect(error).toMatchObject({ signal: "SIGKILL", logFile: join(folder, "logs", "killed.log") });
  await expect(doomed.saveCheckpoint(join(folder, "never"))).rejects.toThrow("before save_checkpoint");
});

test("a missing model is the user's to mend, and an unknown setting is named", async () => {
  const error = await actor.load({ ...options(), modelPath: join(folder, "nothing") }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toContain(
    `${join(folder, "nothing")}: expected a folder with a Hugging Face causal model`,
  );
  await actor.load({ ...options(), reference: false });
  await expect(actor.train(samples, trainOptions, folder)).rejects.toMatchObject({
    type: "BadRequest",
    message: expect.stringContaining("reference: true"),
  });
});

test("files of this writer are read by Python's safetensors", async () => {
  const path = join(folder, "from-node.safetensors");
  await writeSafetensors(path, {
    a: { data: Float32Array.of(1.5, -2, 0.25, 8), shape: [2, 2] },
    b: { data: Uint8Array.of(1, 0, 1), shape: [3] },
  });
  const program =
    "import sys, json; from safetensors.numpy import load_file; print(json.dumps({k: v.tolist() for k, v in load_file(sys.argv[1]).items()}))";
  const read = JSON.parse(execFileSync(pythonPath(), ["-c", program, path], { encoding: "utf8" }));
  expect(read).toEqual({
    a: [
      [1.5, -2],
      [0.25, 8],
    ],
    b: [1, 0, 1],
  });
});

test("scalars and the figure of a run are written, and the socket's folder is private", async () => {
  await actor.scalars(join(folder, "board"), 1, { "reward/mean": 0.5, "learner/loss": Number.NaN });
  expect(readdirSync(join(folder, "board"))[0]).toMatch(/^events\.out\.tfevents/);
  const metrics = join(folder, "metrics.jsonl");
  await writeFile(metrics, '{"step":1,"reward/mean":0.5}\n{"step":2,"reward/mean":0.7}\n');
  await actor.plot(metrics, join(folder, "curves.png"), "test");
  expect((await readFile(join(folder, "curves.png"))).subarray(1, 4).toString()).toBe("PNG");
  await actor.load(options());
  const { socketPath } = await actor.serve({ deterministic: true, maxBatch: 4 });
  expect(statSync(join(socketPath, "..")).mode & 0o777).toBe(0o700);
  await actor.setWeightVersion(3);
  await actor.close();
  expect(existsSync(join(socketPath, ".."))).toBe(false);
});
