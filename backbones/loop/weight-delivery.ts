/** The way of new weights from the learner into each engine, and what is done when one way fails. */

import { join } from "node:path";
import type { InferenceActor, LearnerActor, NewWeights, PublishedWeights } from "../../actors/index.ts";
import type { AstuneConfig } from "../../configs/index.ts";
import type { ActorHandle } from "../../runtime/index.ts";

/** `ipc`: the engine maps the learner's memory; `broadcast`: NCCL, or Gloo between CPUs; `folder`: safetensors files. */
export type WeightPath = "ipc" | "broadcast" | "folder";

/** What the choice depends on. */
export interface WeightFacts {
  readonly engine: "vllm" | "embedded";
  readonly learnerGpus: number;
  /** Whether the engines use the learner's GPUs. */
  readonly sharesGpus: boolean;
}

/** Chooses by `inference.weight_transfer`; `auto` takes the fastest that the layout allows. Pure. */
export function chooseWeightPath(wish: AstuneConfig["inference"]["weight_transfer"], facts: WeightFacts): WeightPath {
  if (facts.engine === "embedded") return "folder";
  if (wish !== "auto") return wish;
  if (facts.learnerGpus === 0) return "folder";
  return facts.sharesGpus ? "ipc" : "broadcast";
}

export interface WeightDeliveryOptions {
  readonly path: WeightPath;
  readonly learner: ActorHandle<LearnerActor>;
  readonly engines: readonly ActorHandle<InferenceActor>[];
  /** Processes of one engine that hold weights. */
  readonly workersPerEngine: number;
  /** Where folders are written. */
  readonly folder: string;
  /** The learner's address, as engines reach it. */
  readonly host: string;
  readonly say: (line: string) => void;
}

/** Longest wait for a group to form, and for a broadcast to be through, seconds. */
const GROUP_SECONDS = 120;

/** `prepare` once for each version, then `deliver` to each engine in its own time. */
export class WeightDelivery {
  readonly #options: WeightDeliveryOptions;
  /** Which server of each engine is in its weight group. */
  readonly #joined = new Map<number, number>();
  #published: PublishedWeights | undefined;

  constructor(options: WeightDeliveryOptions) {
    this.#options = options;
  }

  /** Has the learner make its weights ready as `version`. */
  async prepare(version: number): Promise<void> {
    const { path, learner } = this.#options;
    if (path === "folder") await learner.exportWeights.remote(this.#folderOf(version));
    else this.#published = await learner.publishWeights.remote(version);
  }

  /** Has one engine serve what was prepared. Where the fast way fails, the slow one is taken and said. */
  async deliver(index: number, version: number): Promise<void> {
    const { path, say, learner } = this.#options;
    const dir = this.#folderOf(version);
    if (path !== "folder" && this.#published !== undefined) {
      try {
        await (path === "ipc" ? this.#map(index, this.#published) : this.#broadcast(index, this.#published));
        return;
      } catch (error) {
        say(`weights of version ${version} did not reach engine ${index} by ${path}: ${error}; they go by a folder`);
        await learner.exportPublished.remote(dir);
      }
    }
    await this.#set(index, { dir, version });
  }

  #map(index: number, published: PublishedWeights): Promise<unknown> {
    return this.#set(index, { published, keeper: this.#options.learner, version: published.version });
  }

  async #broadcast(index: number, published: PublishedWeights): Promise<void> {
    const { learner } = this.#options;
    await this.#join(index);
    const weights = { published: { ...published, memory: null }, keeper: learner, version: published.version };
    const sides = [learner.broadcastWeights.remote(index, GROUP_SECONDS), this.#set(index, weights)];
    await settled(sides).catch((error: unknown) => {
      this.#joined.delete(index);
      throw error;
    });
  }

  async #join(index: number): Promise<void> {
    const { learner, workersPerEngine, host } = this.#options;
    const engine = this.#engine(index);
    const incarnation = await engine.incarnation.remote();
    if (this.#joined.get(index) === incarnation) return;
    const size = 1 + workersPerEngine;
    const where = await learner.openWeightGroup.remote(index, host);
    const place = { ...where, size, timeoutSeconds: GROUP_SECONDS };
    await settled([learner.joinWeightGroup.remote(index, size, GROUP_SECONDS), engine.joinWeightGroup.remote(place)]);
    this.#joined.set(index, incarnation);
  }

  async #set(index: number, weights: NewWeights): Promise<unknown> {
    return this.#engine(index).setWeights.remote(weights);
  }

  #engine(index: number): ActorHandle<InferenceActor> {
    const engine = this.#options.engines[index];
    if (engine === undefined) throw new RangeError(`there is no engine ${index}`);
    return engine;
  }

  /** Two folders in turn: an engine that dies during a swap starts again from the one before. */
  #folderOf(version: number): string {
    return join(this.#options.folder, `weights-${version % 2}`);
  }
}

/** Waits for all, and throws the first error: nobody is left waiting for a partner that is still at work. */
async function settled(work: readonly PromiseLike<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected") throw result.reason;
  }
}
