/** The actor that owns one engine: vLLM, or the embedded one in the learner's process or its own. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../configs/index.ts";
import { getGpuIds } from "../../runtime/index.ts";
import type { WeightGroupPlace, WeightsKeeper } from "../learner/index.ts";
import type { Engine, EngineInfo, GenerateReply, GenerateRequest } from "./engine.ts";
import { KernelServer } from "./kernel-server.ts";
import { defaultTimeouts, type InferenceOptions, type InferenceTimeouts, type NewWeights } from "./options.ts";
import type { RunningServer, ServedWeights } from "./running-server.ts";
import { SupervisedEngine } from "./supervised-engine.ts";
import { VllmServer } from "./vllm-server.ts";
import { checkWeightsFolder } from "./weights-folder.ts";

/** What an engine is doing now. */
export interface EngineHealth {
  readonly healthy: boolean;
  readonly state: string;
  readonly weightVersion: number;
  readonly inFlight: number;
}

export class InferenceActor implements Engine {
  readonly #options: InferenceOptions;
  readonly #timeouts: InferenceTimeouts;
  readonly #engine: SupervisedEngine;
  #pid: number | undefined;
  #incarnation = 0;
  #keeper: WeightsKeeper | undefined;
  #environment: Readonly<Record<string, string>> = {};

  constructor(options: InferenceOptions) {
    this.#options = options;
    this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.#engine = new SupervisedEngine({
      start: (signal) => this.#startServer(signal),
      initial: { dir: options.modelPath, version: 0 },
      stored: (weights) => this.#stored(weights),
      timeouts: this.#timeouts,
      maxRestarts: options.maxRestarts ?? 3,
      partialRollouts: options.partialRollouts ?? false,
      onEvent: options.onEvent ?? ((line) => process.stderr.write(`${line}\n`)),
    });
  }

  /** Starts the engine, or attaches to it. Throws a `UserError` for a missing model, else `EngineStartError`. */
  async start(): Promise<EngineInfo> {
    this.#checkModel();
    const { gpus } = this.#options;
    if (gpus !== undefined) {
      const ids = getGpuIds().slice(gpus.first, gpus.first + gpus.count);
      this.#environment = { CUDA_VISIBLE_DEVICES: ids.join(",") };
    }
    const began = performance.now();
    const server = await this.#engine.start();
    return {
      kind: this.#options.kind,
      version: server.version,
      capabilities: [...server.capabilities].sort(),
      startSeconds: (performance.now() - began) / 1000,
    };
  }

  /** From token ids to token ids. Rejects with an `EngineError`, whose `retryable` says whether to try again. */
  generate(request: GenerateRequest): Promise<GenerateReply> {
    return this.#engine.generate(request);
  }

  /**
   * Serves other weights from now on. The folder is checked first: `BadWeightsError` leaves the engine as it was. An
   * engine that shares the learner's weights needs no folder: its version changes and its caches are dropped. Published
   * weights are checked as they arrive; `WeightSwapError` when they are refused, and the old ones are served.
   */
  async setWeights(weights: NewWeights): Promise<{ seconds: number }> {
    const began = performance.now();
    if (this.#options.socketPath !== undefined) {
      await this.#engine.setWeights({ version: weights.version });
    } else if (weights.published !== undefined) {
      this.#keeper = weights.keeper;
      await this.#engine.setWeights({ published: weights.published, version: weights.version });
    } else {
      if (weights.dir === undefined) {
        throw new TypeError("setWeights: dir is needed for an engine that does not share the learner's weights");
      }
      await checkWeightsFolder(weights.dir, { values: true });
      await this.#engine.setWeights({ dir: weights.dir, version: weights.version });
    }
    return { seconds: (performance.now() - began) / 1000 };
  }

  /** Joins the learner's weight group with all workers of the engine; of vLLM only. Once for each server that it starts. */
  async joinWeightGroup(place: WeightGroupPlace): Promise<void> {
    await this.#engine.withServer(async (server) => {
      if (!(server instanceof VllmServer)) throw new TypeError("joinWeightGroup: only vLLM joins a weight group");
      await server.joinWeightGroup(place);
    });
  }

  /** How many servers were started so far: another one has joined no group yet. */
  incarnation(): number {
    return this.#incarnation;
  }

  async resetPrefixCache(): Promise<void> {
    await this.#engine.resetPrefixCache();
  }

  /** Frees the engine's memory for the learner: level 1 keeps the weights in main memory, level 2 drops them. */
  async sleep(level: 1 | 2 = 1): Promise<void> {
    await this.#engine.sleep(level);
  }

  async wake(): Promise<void> {
    await this.#engine.wake();
  }

  async health(): Promise<EngineHealth> {
    const healthy = await this.#engine.healthy();
    const { state, weightVersion, inFlight } = this.#engine;
    return { healthy, state, weightVersion, inFlight };
  }

  inFlight(): number {
    return this.#engine.inFlight;
  }

  /** Process id of the engine's own process, the leader of its group; undefined where it is another's. */
  processId(): number | undefined {
    return this.#pid;
  }

  /** Ends the engine and everything it started. May be called twice. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  /** Published weights may be gone from where they were: whoever published them writes them down. */
  async #stored(weights: ServedWeights): Promise<ServedWeights> {
    if (weights.published === undefined) return weights;
    if (this.#keeper === undefined) throw new TypeError("setWeights: published weights need their keeper");
    const dir = join(this.#options.logDir, "weights-again");
    const { version } = await this.#keeper.exportPublished.remote(dir);
    return { dir, version };
  }

  async #startServer(signal: AbortSignal): Promise<RunningServer> {
    this.#incarnation++;
    const { kind, modelPath, logDir, socketPath, embedded, vllm, onEvent } = this.#options;
    const common = { modelPath, logDir, timeouts: this.#timeouts, environment: this.#environment, signal };
    if (kind === "embedded") {
      const server = await KernelServer.start({
        ...common,
        ...(socketPath !== undefined && { socketPath }),
        ...(embedded !== undefined && { embedded }),
      });
      this.#pid = server.pid;
      return server;
    }
    if (vllm === undefined) throw new TypeError('InferenceOptions.vllm is needed for kind "vllm"');
    const server = await VllmServer.start({ ...common, vllm, ...(onEvent !== undefined && { onEvent }) });
    this.#pid = server.pid;
    return server;
  }

  #checkModel(): void {
    if (this.#options.socketPath !== undefined || existsSync(join(this.#options.modelPath, "config.json"))) return;
    throw new UserError({
      where: "model.path",
      expected: "a folder with a Hugging Face model",
      found: `no config.json in ${this.#options.modelPath}`,
      fix: "give the folder of a downloaded model",
    });
  }
}
