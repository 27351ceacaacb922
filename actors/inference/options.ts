/** How an InferenceActor is made, and what is fixed about its engine. */

import type { PublishedWeights, WeightsKeeper } from "../learner/index.ts";

/** Settings of a vLLM server; each is a flag of `vllm serve` unless it says otherwise. */
export interface VllmOptions {
  readonly tensorParallelSize: number;
  readonly maxModelLen: number;
  readonly maxNumSeqs: number;
  readonly dtype: string;
  readonly gpuMemoryUtilization: number;
  readonly seed: number;
  readonly enforceEager: boolean;
  readonly extraArgs: readonly string[];
  /** Starts with `--enable-sleep-mode`, without which vLLM's sleep does nothing. False by default. */
  readonly sleepMode?: boolean;
  /** Environment variables of the server beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Settings of an embedded engine that runs in a process of its own. */
export interface EmbeddedOptions {
  readonly dtype: "float32" | "bfloat16";
  readonly device: "auto" | "cpu" | "cuda";
  readonly deterministic: boolean;
  readonly maxBatch: number;
}

/** Waiting times, in milliseconds. */
export interface InferenceTimeouts {
  /** Until a started server must be healthy. */
  readonly startMs: number;
  /** Longest wait for one generation. */
  readonly requestMs: number;
  /** Each step of a weight swap: pause, reload, reset, resume. */
  readonly swapStepMs: number;
  readonly sleepMs: number;
  /** How often a running server is asked for its health, and how long one answer may take. */
  readonly healthEveryMs: number;
  readonly healthMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly endMs: number;
}

export const defaultTimeouts: InferenceTimeouts = {
  startMs: 900_000,
  requestMs: 1_800_000,
  swapStepMs: 600_000,
  sleepMs: 300_000,
  healthEveryMs: 5_000,
  healthMs: 60_000,
  endMs: 20_000,
};

export interface InferenceOptions {
  readonly kind: "vllm" | "embedded";
  /** The model's folder, in Hugging Face layout. */
  readonly modelPath: string;
  /** Socket of an embedded engine that another process serves; its weights are that process's. */
  readonly socketPath?: string;
  /** Where the engine's log is written. */
  readonly logDir: string;
  /** Which of the actor's GPUs the engine uses, where it shares them with others. All of them by default. */
  readonly gpus?: { readonly first: number; readonly count: number };
  readonly vllm?: VllmOptions;
  readonly embedded?: Partial<EmbeddedOptions>;
  /**
   * Weights will change under running generations: where the server does not say itself which weights made which token,
   * its replies are followed as they come. False by default: a reply is then taken to be of the weights it began with.
   */
  readonly partialRollouts?: boolean;
  readonly timeouts?: Partial<InferenceTimeouts>;
  /** How often a dead server is started again before it served anything. 3 by default. */
  readonly maxRestarts?: number;
  /** Told what happens between start and close, one line each. Default: standard error. */
  readonly onEvent?: (line: string) => void;
}

/** The weights that an engine is to serve from now on; an engine that shares the learner's needs the version alone. */
export interface NewWeights {
  /** Folder in Hugging Face layout. */
  readonly dir?: string;
  /** As the learner has published them, with the learner, who writes them down for an engine that starts again. */
  readonly published?: PublishedWeights;
  readonly keeper?: WeightsKeeper;
  readonly version: number;
}
