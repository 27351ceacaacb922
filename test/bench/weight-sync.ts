/**
 * New weights from the learner into a running vLLM: each way of `inference.weight_transfer`, 20 swaps after as many training
 * steps. Timed from the learner's step being done until the engine serves; then the engine samples, and the learner says
 * what its new weights give those tokens. `--model` is a Hugging Face folder, `--methods` a list of ways (ipc and folder by
 * default; broadcast needs a second GPU), `--swaps` how many, `--dtype` of the engine, bfloat16 by default.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { InferenceActor, type InferenceOptions, LearnerActor, type TrainingSample } from "../../actors/index.ts";
import { visibleGpus } from "../../backbones/debug/visible-gpus.ts";
import { WeightDelivery } from "../../backbones/loop/index.ts";
import { type ActorHandle, get, init, remote, shutdown } from "../../runtime/index.ts";
import type { BenchOptions, BenchRow } from "./bench.ts";

const WAYS = ["ipc", "broadcast", "folder"] as const;
type Way = (typeof WAYS)[number];

const GOAL_SECONDS = 0.3;
const TOKENS = 64;

export async function weightSync(options: BenchOptions): Promise<BenchRow[]> {
  if (options.model === undefined) throw new Error("weight-sync needs --model DIR");
  const dtype = options.dtype ?? "bfloat16";
  if (dtype !== "float32" && dtype !== "bfloat16") throw new Error("--dtype is float32 or bfloat16");
  const ways = (options.methods ?? "ipc,folder").split(",").map((name) => {
    const way = WAYS.find((known) => known === name);
    if (way === undefined) throw new Error(`--methods is a list of ${WAYS.join(", ")}, got "${name}"`);
    return way;
  });
  const gpus = await visibleGpus();
  if (gpus === 1 && ways.includes("broadcast"))
    throw new Error("broadcast needs a second GPU: NCCL refuses two ranks on one");
  const folder = await mkdtemp(join(tmpdir(), "astune-bench-"));
  await init({ local: true, numGpus: gpus, numCpus: 8 });
  try {
    const rows: BenchRow[] = [];
    for (const way of ways)
      rows.push(
        ...(await measured(way, {
          model: resolve(options.model),
          dtype,
          gpus,
          folder,
          swaps: Number(options.swaps ?? 20),
        })),
      );
    return rows;
  } finally {
    await shutdown();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Setup {
  readonly model: string;
  readonly dtype: "float32" | "bfloat16";
  readonly gpus: number;
  readonly folder: string;
  readonly swaps: number;
}

async function measured(way: Way, { model, dtype, gpus, folder, swaps }: Setup): Promise<BenchRow[]> {
  const say = (line: string): void => void process.stderr.write(`${way}: ${line}\n`);
  const learner = remote(LearnerActor).remote({ logDir: join(folder, way) });
  const engine = remote(InferenceActor)
    .options(gpus > 0 ? { numGpus: way === "broadcast" ? gpus : 1 } : {})
    .remote(engineOptions(way, { model, dtype, gpus, folder, swaps }));
  try {
    await learner.load.remote(learnerOptions(model, dtype, gpus));
    await engine.start.remote();
    const failures: string[] = [];
    const delivery = new WeightDelivery({
      path: way,
      learner,
      engines: [engine],
      workersPerEngine: 1,
      folder: join(folder, way),
      host: "127.0.0.1",
      say: (line) => failures.push(line),
    });
    const seconds: number[] = [];
    const parts: number[] = [];
    const apart: number[] = [];
    const moved: number[] = [];
    for (let version = 0; version <= swaps; version += 1) {
      const before = await sampled(engine, version);
      const old = await learner.logprobs.remote(before, 1);
      await learner.train.remote(before, TRAIN, folder);
      const began = performance.now();
      await delivery.prepare(version + 1);
      const ready = performance.now();
      await delivery.deliver(0, version + 1);
      const took = (performance.now() - began) / 1000;
      moved.push(difference(old, await learner.logprobs.remote(before, 1), before));
      const after = await sampled(engine, version + 100);
      if (after.some((sample) => sample.weightVersions.some((seen) => seen !== version + 1)))
        throw new Error("an old version answered");
      apart.push(
        difference(
          after.map((sample) => sample.logprobs),
          await learner.logprobs.remote(after, 1),
          after,
        ),
      );
      // The first has the group to form, or the memory to map.
      if (version === 0) say(`first swap ${took.toFixed(2)} s`);
      else seconds.push(took);
      if (version > 0) parts.push((ready - began) / 1000);
    }
    if (failures.length > 0) throw new Error(failures.join("; "));
    const spread = `worst of ${swaps}: ${Math.max(...seconds).toFixed(3)} s; of it packing or writing ${median(parts).toFixed(3)} s`;
    return [
      {
        name: `${way}: swap, median of ${swaps}`,
        ours: rounded(median(seconds)),
        unit: "s",
        anchor: GOAL_SECONDS,
        anchorName: "to hold: at most",
        spread,
      },
      {
        name: `${way}: engine from the learner's new weights`,
        ours: rounded(Math.max(...apart)),
        unit: "mean |Δ log p|, worst",
        anchor: rounded(Math.min(...moved)),
        anchorName: "moved by a step, at least",
        spread: `median ${median(apart).toPrecision(2)}, moved ${median(moved).toPrecision(2)}`,
      },
    ];
  } finally {
    await get([engine.close.remote(), learner.close.remote()]);
  }
}

const TRAIN = {
  algorithm: "sft",
  temperature: 1,
  clipRatioLow: 0.2,
  clipRatioHigh: 0.2,
  clipRatioC: 3,
  lossAggregation: "token-mean",
  maxSequenceLength: 4096,
  importanceSamplingCap: 0,
  klLossCoef: 0,
  klLossType: "k3",
  miniBatches: 1,
  maxTokensPerMicroBatch: 8192,
} as const;

function learnerOptions(modelPath: string, dtype: Setup["dtype"], gpus: number) {
  const optimizer = {
    lr: 1e-4,
    betas: [0.9, 0.95],
    weightDecay: 0,
    gradClip: 1,
    warmupSteps: 0,
    schedule: "constant",
    minLrRatio: 0,
    totalUpdates: 1000,
  } as const;
  const device = gpus > 0 ? ("cuda" as const) : ("cpu" as const);
  return { modelPath, dtype, device, seed: 1, gradientCheckpointing: false, reference: false, optimizer };
}

/** On two GPUs the learner has the first, and an engine that is broadcast to the second. */
function engineOptions(way: Way, { model, dtype, gpus, folder }: Setup): InferenceOptions {
  return {
    kind: "vllm",
    modelPath: model,
    logDir: join(folder, way),
    ...(gpus > 0 && { gpus: { first: way === "broadcast" ? 1 : 0, count: 1 } }),
    vllm: {
      tensorParallelSize: 1,
      maxModelLen: 1024,
      maxNumSeqs: 64,
      dtype,
      gpuMemoryUtilization: 0.3,
      seed: 1,
      enforceEager: gpus === 0,
      extraArgs: gpus > 0 ? ["--compilation-config", '{"mode":0,"cudagraph_mode":"FULL"}'] : [],
    },
  };
}

/** Eight sequences as the engine samples them now. */
async function sampled(engine: ActorHandle<InferenceActor>, seed: number): Promise<TrainingSample[]> {
  const samples = Array.from({ length: 8 }, async (_, index): Promise<TrainingSample> => {
    const promptIds = Array.from({ length: 16 }, (__, at) => 100 + ((seed * 31 + index * 17 + at * 7) % 800));
    const sampling = { maxTokens: TOKENS, temperature: 1, topP: 1, topK: -1, seed: seed * 8 + index, stopTokenIds: [] };
    const reply = await engine.generate.remote({ requestId: `${seed}-${index}`, promptIds, ...sampling });
    const before = promptIds.map(() => 0);
    return {
      tokenIds: [...promptIds, ...reply.tokenIds],
      lossMask: [...before.map(() => 0 as const), ...reply.tokenIds.map(() => 1 as const)],
      logprobs: [...before, ...reply.logprobs],
      weightVersions: [...before.map(() => reply.weightVersions[0] ?? 0), ...reply.weightVersions],
      advantage: 1,
    };
  });
  return Promise.all(samples);
}

/** Mean over the trained tokens. */
function difference(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
  samples: readonly TrainingSample[],
): number {
  let sum = 0;
  let count = 0;
  for (const [index, sample] of samples.entries()) {
    for (const [at, trained] of sample.lossMask.entries()) {
      if (trained === 0) continue;
      sum += Math.abs((a[index]?.[at] ?? Number.NaN) - (b[index]?.[at] ?? Number.NaN));
      count += 1;
    }
  }
  return sum / count;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
