/** Engine and learner that only take time, as actors. They live in this process and share its clock. */

import type { GenerateReply, GenerateRequest, TrainingSample, TrainMetrics } from "../../../actors/index.ts";
import { lengthOf } from "./lengths.ts";
import { SimulatedGpu } from "./simulated-gpu.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** One clock for all actors of this process: a function cannot be sent to them. */
let clock = new VirtualClock();

/** A new clock, at 0, for the actors that are made from now on. */
export function newClock(): VirtualClock {
  clock = new VirtualClock();
  return clock;
}

/** Simulated tokens that one token of a reply stands for: what is measured is when replies come, not what is in them. */
export const TOKENS_PER_TOKEN = 64;

/** One engine on one GPU. */
export class SimulatedEngine {
  readonly #gpu = new SimulatedGpu(clock);
  #version = 0;

  async generate(request: GenerateRequest): Promise<GenerateReply> {
    const version = this.#version;
    const length = lengthOf(request.seed ?? 0);
    await this.#gpu.generate(length);
    const tokens = Math.max(1, Math.round(length / TOKENS_PER_TOKEN));
    const fill = <T>(value: T): T[] => new Array<T>(tokens).fill(value);
    return { tokenIds: fill(40), logprobs: fill(-1), weightVersions: fill(version), finishReason: "stop" };
  }

  async health(): Promise<{ readonly healthy: boolean }> {
    return { healthy: true };
  }

  /** Running generations stand still meanwhile. */
  async setWeights(version: number, seconds: number): Promise<void> {
    await this.#gpu.pause(seconds * 1000);
    this.#version = version;
  }
}

export class SimulatedLearner {
  readonly #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  async train(samples: readonly TrainingSample[]): Promise<TrainMetrics> {
    await clock.sleep(this.#seconds * 1000);
    const tokens = samples.reduce((sum, sample) => sum + sample.tokenIds.length, 0);
    return {
      loss: 0,
      klLoss: 0,
      entropy: 0,
      gradNorm: 1,
      learningRate: 0,
      clipFraction: 0,
      mismatchMean: 1,
      mismatchMax: 1,
      logprobDifference: 0,
      trainedTokens: tokens,
      totalTokens: tokens,
      updates: 1,
      skippedUpdates: 0,
      skippedBatches: [],
      seconds: this.#seconds,
    };
  }
}
