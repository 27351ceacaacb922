/** The contract of an inference engine, the same for vLLM and the embedded engine. */

import type { FinishReason } from "../episode.ts";

/** One generation, from token ids to token ids. */
export interface GenerateRequest {
  readonly requestId: string;
  readonly promptIds: readonly number[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** -1 switches it off. */
  readonly topK: number;
  readonly seed?: number;
  /** Sampling stops after one of these; it is part of the reply. */
  readonly stopTokenIds: readonly number[];
  /** Requests of one group prefer the engine that has their prefix cached. */
  readonly affinity?: string;
}

/** What the engine sampled. The three arrays have the same length. */
export interface GenerateReply {
  readonly tokenIds: readonly number[];
  readonly logprobs: readonly number[];
  readonly weightVersions: readonly number[];
  readonly finishReason: FinishReason;
}

/** What an engine is and has, as it said itself. */
export interface EngineInfo {
  readonly kind: "vllm" | "embedded";
  readonly version: string;
  readonly capabilities: readonly string[];
  readonly startSeconds: number;
}

/** Anything that can generate: an InferenceActor, or a scripted engine in a test. */
export interface Engine {
  generate(request: GenerateRequest): Promise<GenerateReply>;
}
