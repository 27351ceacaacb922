/** One episode while it runs: its key, its limits, what it asked the model, and what went wrong. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Engine, GenerateReply } from "../inference/engine.ts";
import type { ModelText } from "./model-text.ts";
import { badRequest, OpenAiError } from "./openai-error.ts";
import type { PromptCache } from "./prompt-cache.ts";
import { Recorder } from "./recorder.ts";
import type { EpisodeRequest } from "./rollout-options.ts";

/** What all episodes of an actor share. */
export interface SessionSettings {
  readonly text: ModelText;
  readonly cache: PromptCache;
  readonly engine: Engine;
  readonly modelName: string;
  readonly maxModelLen: number;
  readonly maxResponseTokens: number;
  readonly maxSteps: number;
  /** Says a line once for the whole actor. */
  readonly logOnce: (line: string) => void;
}

/** An episode that goes on asking after this many refusals is ended. */
const maxRefusals = 50;

export class EpisodeSession {
  readonly request: EpisodeRequest;
  readonly settings: SessionSettings;
  readonly recorder: Recorder;
  readonly key = `sk-astune-${randomBytes(24).toString("base64url")}`;
  readonly startedAtMs = performance.now();
  /** One line each, where it happened: the context was full; the engine failed and no later request went well. */
  contextOverflow: string | undefined;
  engineFailure: string | undefined;
  /** Requests that were refused because the episode had asked too often. */
  refusals = 0;
  #steps = 0;
  readonly #controller = new AbortController();
  readonly #keyDigest = digest(this.key);

  constructor(request: EpisodeRequest, settings: SessionSettings) {
    this.request = request;
    this.settings = settings;
    this.recorder = new Recorder(settings.text, settings.cache);
  }

  /** Aborted when the episode is over, whatever ended it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether `key` is this episode's; takes the same time for each wrong one. */
  hasKey(key: string): boolean {
    return timingSafeEqual(digest(key), this.#keyDigest);
  }

  /** Ends the episode: what it still waits for is answered with 410. */
  end(reason: string): void {
    if (!this.signal.aborted) this.#controller.abort(new OpenAiError(410, "episode_ended", reason));
  }

  /** Counts a request to the model and gives its index; throws 429 once there were too many. */
  takeStep(): number {
    const { maxSteps } = this.settings;
    if (this.#steps >= maxSteps) {
      this.refusals += 1;
      if (this.refusals > maxRefusals)
        this.end(`the workflow asked the model more than ${maxSteps + maxRefusals} times`);
      throw new OpenAiError(429, "max_steps_exceeded", `an episode may ask the model ${maxSteps} times`);
    }
    this.#steps += 1;
    return this.#steps - 1;
  }

  /**
   * Samples a reply. Throws an {@link OpenAiError}: 400 `context_length_exceeded` where there is no room for one, 503
   * when the engine failed, 410 when the episode is over.
   */
  async generate(step: number, promptIds: readonly number[], askedTokens: number | undefined): Promise<GenerateReply> {
    const { maxModelLen, maxResponseTokens, engine, text } = this.settings;
    const room = maxModelLen - promptIds.length;
    if (room < 1) {
      this.contextOverflow = `turn ${step + 1} has a prompt of ${promptIds.length} tokens; the model takes ${maxModelLen} with the reply`;
      throw badRequest(this.contextOverflow, "context_length_exceeded");
    }
    const { sampling, task, split, step: trainingStep, episodeId } = this.request;
    const { seed, ...rest } = sampling;
    const generated = engine.generate({
      requestId: `${episodeId}/${step}`,
      promptIds,
      maxTokens: Math.min(askedTokens ?? maxResponseTokens, maxResponseTokens, room),
      ...rest,
      ...(seed === undefined ? {} : { seed: (seed * 1_000_003 + step * 7_919) % 2_147_483_647 }),
      stopTokenIds: text.stopTokenIds,
      affinity: `${split}/${trainingStep}/${task.taskId}`,
    });
    try {
      const reply = await untilAborted(generated, this.signal);
      this.engineFailure = undefined;
      return reply;
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      this.engineFailure = `the engine failed: ${messageOf(error)}`;
      throw new OpenAiError(503, "engine_failed", this.engineFailure, "yes", { cause: error });
    }
  }
}

/** The promise's result, or the signal's reason as soon as it is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, " ").slice(0, 500);
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
