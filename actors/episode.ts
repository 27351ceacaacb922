/** The nouns of an episode: what a rollout leaves for the judge, the learner and the viewer. All of it is plain data. */

import type { ChatMessage, ToolDefinition } from "./task.ts";

/** Why the engine stopped a reply. */
export type FinishReason = "stop" | "length" | "abort";

/** One request to the model and its reply, token for token. */
export interface Turn {
  /** The messages of the request, as the workflow sent them. */
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
  /** The reply as the workflow received it: parsed calls in `tool_calls`, everything else as text. */
  readonly reply: ChatMessage;
  /** The exact text of the sampled tokens, special tokens included. */
  readonly text: string;
  readonly promptIds: readonly number[];
  /** The tokens the engine sampled, the end-of-turn token included where it was sampled. */
  readonly sampledIds: readonly number[];
  /** Log-probability of each sampled token, after temperature; same length as `sampledIds`. */
  readonly logprobs: readonly number[];
  /** Version of the weights that made each sampled token; same length as `sampledIds`. */
  readonly weightVersions: readonly number[];
  readonly finishReason: FinishReason;
  /** Attempted calls in this reply that did not parse or validate. */
  readonly malformedCalls: number;
  /** Milliseconds since the episode began, and how long the reply took. */
  readonly startedMs: number;
  readonly durationMs: number;
}

/** One run of a tool inside an episode. */
export interface ToolRun {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly output: string;
  /** Exit status of the code; -1 when it was stopped by a limit. */
  readonly returnCode: number;
  readonly printed: boolean;
  /** Index of the turn whose reply asked for it. */
  readonly turn: number;
  readonly durationMs: number;
}

/** The three faults, and whether a tool ran at all. Each is true when it happened at least once in the episode. */
export interface Faults {
  readonly malformedCall: boolean;
  readonly noPrint: boolean;
  readonly earlyAnswer: boolean;
  readonly toolUse: boolean;
}

/**
 * One row for the learner: turns whose prompts extend each other, merged. All arrays have the same length.
 * `lossMask` is 1 on sampled tokens (the end-of-turn token included) and 0 elsewhere; `logprobs` is 0 and
 * `weightVersions` -1 where the mask is 0.
 */
export interface TrainingSequence {
  readonly tokenIds: readonly number[];
  readonly lossMask: readonly (0 | 1)[];
  readonly logprobs: readonly number[];
  readonly weightVersions: readonly number[];
}

/** How an episode ended. `failed` episodes are counted and retried, and never reach the learner. */
export type EpisodeStatus = "finished" | "context_overflow" | "failed";

/** What the judge said of an episode. */
export interface JudgeResult {
  readonly rawReward: number;
  readonly isSuccess: boolean;
  /** One line for people: why this reward. */
  readonly reason?: string;
}

/** A finished episode before it was judged. */
export interface Episode {
  readonly episodeId: string;
  readonly taskId: string;
  readonly split: "train" | "validation";
  /** The training step (0 for an evaluation before the first), and which of the task's repeats this is. */
  readonly step: number;
  readonly repeat: number;
  readonly status: EpisodeStatus;
  /** Present when `status` is not `finished`: one line that says what went wrong. */
  readonly error?: string;
  readonly turns: readonly Turn[];
  readonly toolRuns: readonly ToolRun[];
  readonly faults: Faults;
  readonly sequences: readonly TrainingSequence[];
  /** What the workflow registered for the judge (`final_answer`, or `raw_reward` and `is_success`). */
  readonly judgeInput: Readonly<Record<string, unknown>>;
  readonly durationMs: number;
}

/** An episode with its reward. */
export interface JudgedEpisode extends Episode {
  readonly result: JudgeResult;
}
