/** The actor that owns the training kernel: it turns samples into new weights, and keeps and restores them. */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../configs/index.ts";
import { getRuntimeContext } from "../../runtime/index.ts";
import { scratchRoot } from "../../runtime/processes/index.ts";
import type { TrainingSequence } from "../episode.ts";
import { withBatchFile } from "./batch.ts";
import { KernelError } from "./kernel-error.ts";
import { KernelProcess, type KernelProcessOptions } from "./kernel-process.ts";
import type { LearnerOptions, TrainingSample, TrainMetrics, TrainOptions } from "./learner.ts";
import type { PublishedWeights } from "./published-weights.ts";
import { readSafetensors } from "./safetensors.ts";
import { numberOf, snakeCase } from "./snake-case.ts";

/** How to start the learner's kernel. */
export type LearnerActorOptions = KernelProcessOptions;

/** What the kernel says of itself. */
export interface KernelHello {
  readonly pid: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly device: "cpu" | "cuda";
  readonly deviceName: string;
  readonly threads: number;
}

/** What was loaded. */
export interface LoadedModel {
  readonly device: string;
  readonly parameters: number;
  readonly trainedParameters: number;
  readonly modelType: string;
}

/** Metrics of a step, with the statistics that only people look at. */
export interface DetailedTrainMetrics extends TrainMetrics {
  /** r = exp(log-probability − its value before the first update), mean and maximum over trained tokens. */
  readonly ratioMean: number;
  readonly ratioMax: number;
}

/** Owns one kernel process. Calls run one after another in the kernel, in the order they were made. */
export class LearnerActor {
  readonly #kernel: KernelProcess;
  #socketFolder: string | undefined;

  constructor(options: LearnerActorOptions) {
    this.#kernel = new KernelProcess(options);
  }

  /** The kernel's process id. */
  get pid(): number {
    return this.#kernel.pid;
  }

  /** Versions, device and threads; answered even while the kernel works. */
  async hello(): Promise<KernelHello> {
    const reply = await this.#kernel.call<Omit<KernelHello, "deviceName"> & { device_name: string }>("hello");
    const { device_name: deviceName, ...rest } = reply;
    return { ...rest, deviceName };
  }

  /** Id of the node that it runs on. */
  nodeId(): Promise<string> {
    return getRuntimeContext().getNodeId();
  }

  /**
   * Loads a model folder; with `trainable: false` only to serve it. Throws a `UserError` where there is no model.
   */
  async load(options: LearnerOptions & { readonly trainable?: boolean }): Promise<LoadedModel> {
    try {
      const reply = await this.#kernel.call<Record<string, never>>("load", {
        trainable: true,
        ...snakeCase(options),
      });
      return {
        device: reply["device"] ?? "",
        parameters: numberOf(reply["parameters"]),
        trainedParameters: numberOf(reply["trained_parameters"]),
        modelType: reply["model_type"] ?? "",
      };
    } catch (error) {
      if (!(error instanceof KernelError && error.type === "ModelNotFound")) throw error;
      const found = error.message.slice(0, 300);
      throw new UserError(
        { where: options.modelPath, expected: "a folder with a Hugging Face causal model", found },
        { cause: error },
      );
    }
  }

  /**
   * One training step on the samples. An update that is not finite is skipped: the metrics say so, and its batch lies in
   * `keepBadBatchesIn`.
   */
  async train(
    samples: readonly TrainingSample[],
    options: TrainOptions,
    keepBadBatchesIn: string,
  ): Promise<DetailedTrainMetrics> {
    const reply = await withBatchFile(samples, (batch) =>
      this.#kernel.call<Record<string, unknown>>("train", {
        batch,
        options: snakeCase(options),
        keep_bad_batches_in: keepBadBatchesIn,
      }),
    );
    return {
      loss: numberOf(reply["loss"]),
      klLoss: numberOf(reply["kl_loss"]),
      entropy: numberOf(reply["entropy"]),
      gradNorm: numberOf(reply["grad_norm"]),
      clipFraction: numberOf(reply["clip_fraction"]),
      ratioMean: numberOf(reply["ratio_mean"]),
      ratioMax: numberOf(reply["ratio_max"]),
      mismatchMean: numberOf(reply["mismatch_mean"]),
      mismatchMax: numberOf(reply["mismatch_max"]),
      logprobDifference: numberOf(reply["logprob_difference"]),
      learningRate: numberOf(reply["learning_rate"]),
      trainedTokens: numberOf(reply["trained_tokens"]),
      totalTokens: numberOf(reply["total_tokens"]),
      updates: numberOf(reply["updates"]),
      skippedUpdates: numberOf(reply["skipped_updates"]),
      skippedBatches: reply["skipped_batches"] as string[],
      seconds: numberOf(reply["seconds"]),
    };
  }

  /** The learner's log-probability of each trained token, 0 elsewhere; one array for each sample, as long as it. */
  logprobs(samples: readonly TrainingSequence[], temperature: number): Promise<number[][]> {
    return withBatchFile(samples, async (batch, folder) => {
      const out = join(folder, "logprobs.safetensors");
      await this.#kernel.call("logprobs", { batch, temperature, out });
      const values = (await readSafetensors(out))["logprobs"]?.data ?? new Float32Array();
      let at = 0;
      return samples.map((sample) => {
        at += sample.tokenIds.length;
        return Array.from(values.subarray(at - sample.tokenIds.length, at));
      });
    });
  }

  /**
   * Writes a folder that vLLM loads, in the model's dtype unless another is named. LoRA is merged in; weights that are
   * not finite are refused (`KernelError` NotFinite).
   */
  async exportWeights(dir: string, dtype?: "float32" | "bfloat16"): Promise<void> {
    await this.#storing(dir, () => this.#kernel.call("export_weights", { dir, ...(dtype ? { dtype } : {}) }));
  }

  /**
   * Packs the weights for engines, in the model's dtype unless another is named, and keeps them so until the next time.
   * Weights that are not finite are refused (`KernelError` NotFinite).
   */
  async publishWeights(version: number, dtype?: "float32" | "bfloat16"): Promise<PublishedWeights> {
    return this.#kernel.call("publish_weights", { version, ...(dtype ? { dtype } : {}) });
  }

  /** Writes the published weights, whatever was trained since, as a folder that vLLM loads; gives their version. */
  async exportPublished(dir: string): Promise<{ version: number }> {
    let written = { version: -1 };
    await this.#storing(dir, async () => {
      written = await this.#kernel.call("export_published", { dir });
    });
    return written;
  }

  /** Listens on `host` for a new weight group, which is then made by `joinWeightGroup` on both sides; one for each engine. */
  async openWeightGroup(engine: number, host: string): Promise<{ host: string; port: number }> {
    return this.#kernel.call("open_weight_group", { group: engine, host });
  }

  /** Waits until the engine's workers, all `size - 1`, have joined. */
  async joinWeightGroup(engine: number, size: number, timeoutSeconds: number): Promise<void> {
    await this.#kernel.call("join_weight_group", { group: engine, size, timeout_seconds: timeoutSeconds });
  }

  /** Sends the published weights to the engine's weight group, whose members wait for them or come soon. */
  async broadcastWeights(engine: number, timeoutSeconds: number): Promise<void> {
    await this.#kernel.call("broadcast_weights", { group: engine, timeout_seconds: timeoutSeconds });
  }

  /** Puts the weights of a Hugging Face folder into the loaded model. */
  async updateWeights(dir: string): Promise<void> {
    await this.#kernel.call("update_weights", { dir });
  }

  /** Writes a checkpoint, whole or not at all. A full disk is a `UserError`; earlier checkpoints are untouched. */
  async saveCheckpoint(dir: string): Promise<void> {
    await this.#storing(dir, () => this.#kernel.call("save_checkpoint", { dir }));
  }

  /** Goes on from a checkpoint, bit for bit. The model must have been loaded with the same options. */
  async loadCheckpoint(dir: string): Promise<void> {
    await this.#kernel.call("load_checkpoint", { dir });
  }

  /** Starts the embedded engine over these weights, on a Unix socket in a folder that only this user can enter. */
  async serve(options: {
    readonly deterministic: boolean;
    readonly maxBatch: number;
  }): Promise<{ socketPath: string }> {
    this.#socketFolder ??= await mkdtemp(join(await scratchRoot(), "astune-engine-"));
    const socketPath = join(this.#socketFolder, "engine.sock");
    await this.#kernel.call("serve", {
      socket: socketPath,
      deterministic: options.deterministic,
      max_batch: options.maxBatch,
    });
    return { socketPath };
  }

  /** The version that the embedded engine reports with what it samples from now on. */
  async setWeightVersion(version: number): Promise<void> {
    await this.#kernel.call("set_weight_version", { version });
  }

  /** Appends values to the TensorBoard files in `dir`. */
  async scalars(dir: string, step: number, values: Readonly<Record<string, number>>): Promise<void> {
    const finite = Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));
    await this.#kernel.call("scalars", { dir, step, values: finite });
  }

  /** Draws the curves of a `metrics.jsonl` as a PNG. */
  async plot(metrics: string, out: string, title: string): Promise<void> {
    await this.#kernel.call("plot", { metrics, out, title });
  }

  /** Ends the kernel and what it started; may be called more than once. */
  async close(): Promise<void> {
    await this.#kernel.close();
    if (this.#socketFolder) await rm(this.#socketFolder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #storing(dir: string, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof KernelError && error.type === "DiskFull")) throw error;
      const fix = "free some room and go on with --resume; what was saved before is whole";
      throw new UserError({ where: dir, expected: "room on the disk", found: "a full disk", fix }, { cause: error });
    }
  }
}
