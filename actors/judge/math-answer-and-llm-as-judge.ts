/** Rewards a math answer by its form or number first, and asks another model only where these do not agree. */

import OpenAI from "openai";
import pRetry, { AbortError } from "p-retry";
import type { JudgeResult } from "../episode.ts";
import type { Judge, JudgeInput } from "./judge.ts";
import { sameAnswer } from "./math-answer.ts";
import { answerOf, referenceOf, shown } from "./math-answer-as-judge.ts";

/** Where the other model is; the words are those of `task_judge`. */
export interface LlmJudgeOptions {
  readonly alien_llm_model?: string;
  readonly alien_llm_base_url?: string;
  /** Name of the environment variable with the key. Default: `DASHSCOPE_API_KEY`, then `OPENAI_API_KEY`. */
  readonly alien_llm_api_key_env?: string;
  readonly alien_llm_response_length?: number;
  /** Time of one request, and how often a failed one is repeated. */
  readonly timeout_seconds?: number;
  readonly retries?: number;
  readonly retry_wait_seconds?: number;
}

const instructions =
  "You check a student's answer to a math problem against the reference solution. Only the value counts, not how it is " +
  "written: other units of the same quantity, rounding that the problem asks for and other notations are fine. " +
  "Say <Correct> when the answer is right and <NotCorrect> when it is not, and nothing else.";

/**
 * Asks any OpenAI-compatible endpoint at temperature 0. The key comes from the environment and is in no error or log.
 * Throws when the endpoint keeps failing or says neither `<Correct>` nor `<NotCorrect>`.
 */
export class MathAnswerAndLlmAsJudge implements Judge {
  readonly #options: Required<LlmJudgeOptions>;
  #client: OpenAI | undefined;

  constructor(options: LlmJudgeOptions = {}) {
    this.#options = {
      alien_llm_model: options.alien_llm_model ?? "qwen3-235b-a22b-instruct-2507",
      alien_llm_base_url: options.alien_llm_base_url ?? "https://dashscope.aliyuncs.com/compatible-mode/v1",
      alien_llm_api_key_env: options.alien_llm_api_key_env ?? "DASHSCOPE_API_KEY",
      alien_llm_response_length: options.alien_llm_response_length ?? 512,
      timeout_seconds: options.timeout_seconds ?? 60,
      retries: options.retries ?? 3,
      retry_wait_seconds: options.retry_wait_seconds ?? 2,
    };
  }

  async computeReward(input: JudgeInput): Promise<JudgeResult> {
    const reference = referenceOf(input.workflow_task);
    const answer = answerOf(input.final_answer);
    if (answer === undefined) return { rawReward: 0, isSuccess: false, reason: "no final answer was given" };
    if (sameAnswer(answer, reference)) {
      return { rawReward: 1, isSuccess: true, reason: `${shown(answer)} is the answer` };
    }
    const isCorrect = await this.#ask(input, answer);
    const said = `${this.#options.alien_llm_model} calls ${shown(answer)} ${isCorrect ? "correct" : "not correct"}`;
    return {
      rawReward: isCorrect ? 1 : 0,
      isSuccess: isCorrect,
      reason: `${said}; the reference is ${shown(reference)}`,
    };
  }

  async #ask(input: JudgeInput, answer: string): Promise<boolean> {
    const { retries, retry_wait_seconds: waitSeconds } = this.#options;
    return pRetry(() => this.#askOnce(input, answer), {
      retries,
      minTimeout: waitSeconds * 1000,
      maxTimeout: waitSeconds * 8000,
    });
  }

  async #askOnce(input: JudgeInput, answer: string): Promise<boolean> {
    const { alien_llm_model: model, alien_llm_response_length: length, alien_llm_base_url: baseUrl } = this.#options;
    const key = this.#key();
    this.#client ??= new OpenAI({
      baseURL: baseUrl,
      apiKey: key,
      maxRetries: 0,
      timeout: this.#options.timeout_seconds * 1000,
      logLevel: "off",
    });
    const task = input.workflow_task;
    const question = `Problem:\n${task.mainQuery}\n\nStudent's answer:\n${answer}\n\nReference solution:\n${String(task.metadata["answer"])}`;
    try {
      const reply = await this.#client.chat.completions.create({
        model,
        temperature: 0,
        max_tokens: length,
        messages: [
          { role: "system", content: instructions },
          { role: "user", content: question },
        ],
      });
      return verdict(reply.choices[0]?.message.content ?? "");
    } catch (error) {
      throw withoutKey(error, key, baseUrl);
    }
  }

  #key(): string {
    const names = [this.#options.alien_llm_api_key_env, "DASHSCOPE_API_KEY", "OPENAI_API_KEY"];
    const key = names.map((name) => process.env[name]).find((value) => value !== undefined && value !== "");
    if (key !== undefined) return key;
    throw new AbortError(`no API key: set ${[...new Set(names)].join(" or ")} in the environment`);
  }
}

function verdict(text: string): boolean {
  const words = [...text.matchAll(/<(Correct|NotCorrect)>/gi)].map((found) => found[1]?.toLowerCase());
  if (words.length === 0) throw new Error(`the model said neither <Correct> nor <NotCorrect>: ${shown(text)}`);
  return words.at(-1) === "correct";
}

/** The error without its request (which carries the key) and with the key struck out of its text. */
function withoutKey(error: unknown, key: string, baseUrl: string): Error {
  const text = error instanceof Error ? error.message : String(error);
  const message = `${baseUrl}: ${text.replaceAll(key, "***")}`;
  const status = error instanceof OpenAI.APIError ? error.status : undefined;
  const isFinal = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isFinal ? new AbortError(message) : new Error(message);
}
