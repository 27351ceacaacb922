/** The actor that scores finished episodes with one judge: a built-in one or the user's own class. */

import type { Episode, JudgeResult } from "../episode.ts";
import { type Constructor, loadClass } from "../protocol/index.ts";
import type { Task } from "../task.ts";
import type { EnvOutcome } from "../tasks/index.ts";
import { builtInJudges } from "./built-in.ts";
import type { Judge, JudgeEnvironment, JudgeInput } from "./judge.ts";
import { pythonJudge } from "./python-judge.ts";

/** What a judge's constructor is handed: `task_judge` of the YAML with its `judge_options`, as plain data. */
export type JudgeOptions = Readonly<Record<string, unknown>>;

/** Which judge, and where it is looked for. */
export interface JudgeActorOptions {
  /** `module->Class`. */
  readonly protocol: string;
  readonly searchFolders: readonly string[];
  readonly options?: JudgeOptions;
}

/** A judge failed on one episode: it threw, or gave no finite number. */
export class JudgeError extends Error {
  readonly code = "JUDGE_FAILED";
  readonly judge: string;
  readonly episodeId: string;

  constructor(judge: string, episodeId: string, what: string, options?: ErrorOptions) {
    super(`judge ${judge} failed on episode ${episodeId}: ${what}`, options);
    this.name = "JudgeError";
    this.judge = judge;
    this.episodeId = episodeId;
  }
}

/** Scores episodes. One instance of the judge serves all of them, many at once. */
export class JudgeActor {
  readonly #options: JudgeActorOptions;
  #judge: Judge | undefined;
  #starting: Promise<void> | undefined;

  constructor(options: JudgeActorOptions) {
    this.#options = options;
  }

  /** Finds the judge and makes it, once. Throws a `UserError` where there is no such class. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { protocol, searchFolders, options = {} } = this.#options;
    const JudgeClass = (await loadClass<Judge>(protocol, searchFolders, builtInJudges, pythonJudge)) as Constructor<
      Judge,
      [JudgeOptions]
    >;
    const judge: Judge & { ready?: () => Promise<void> } = new JudgeClass(options);
    await judge.ready?.();
    this.#judge = judge;
  }

  /**
   * The judge's word on one episode. Where the workflow registered `raw_reward` and `is_success`, these are it and no
   * judge is asked. One that was not started starts: an actor that was made again. Throws a `JudgeError` when the judge throws or gives a reward that is not a finite number.
   */
  async judge({ task, episode }: { readonly task: Task; readonly episode: Episode }): Promise<JudgeResult> {
    const { protocol } = this.#options;
    const registered = episode.judgeInput;
    if (registered["raw_reward"] !== undefined && registered["is_success"] !== undefined) {
      const result = resultOf({ ...registered, reason: registered["reason"] ?? "registered by the workflow" });
      if (typeof result === "string") throw new JudgeError("of the workflow (raw_reward)", episode.episodeId, result);
      return result;
    }
    await this.start();
    const judge = this.#judge;
    if (!judge) throw new JudgeError(protocol, episode.episodeId, "it was closed");
    let given: unknown;
    try {
      given = await judge.computeReward(this.#inputOf(task, episode));
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new JudgeError(protocol, episode.episodeId, `it threw: ${what}`, { cause: error });
    }
    const result = resultOf(given);
    if (typeof result === "string") throw new JudgeError(protocol, episode.episodeId, result);
    return result;
  }

  /** Ends the judge, where it can be ended. */
  async close(): Promise<void> {
    const judge = this.#judge as (Judge & { close?: () => unknown }) | undefined;
    this.#judge = undefined;
    await judge?.close?.();
  }

  #inputOf(task: Task, episode: Episode): JudgeInput {
    const environment = environmentOf(episode);
    return {
      ...episode.judgeInput,
      ...(environment && { env: environment }),
      workflow_task: task,
      grouped_steps: episode.turns.map((turn) => [...turn.messages, turn.reply]),
      turns: episode.turns,
    };
  }
}

/** The environment as the rollout left it: its instance is gone, its rewards are in `env_outcome`. */
function environmentOf(episode: Episode): JudgeEnvironment | undefined {
  const outcome = episode.judgeInput["env_outcome"] as EnvOutcome | undefined;
  if (!outcome) return undefined;
  return {
    async evaluate({ sparse = false } = {}) {
      const reward = sparse ? outcome.sparseReward : outcome.reward;
      if (reward === undefined) throw new Error("the environment service gave no reward when the episode ended");
      return reward;
    },
  };
}

/** The result in any of the shapes that judges return, or a phrase that says what is wrong with it. */
function resultOf(given: unknown): JudgeResult | string {
  const facts = Array.isArray(given) ? { rawReward: given[0], isSuccess: given[1] } : given;
  if (typeof facts !== "object" || facts === null) {
    return `it gave ${shown(given)} instead of { rawReward, isSuccess }`;
  }
  const {
    rawReward,
    raw_reward = rawReward,
    isSuccess,
    is_success = isSuccess,
    reason,
  } = facts as Record<string, unknown>;
  const reward = typeof raw_reward === "boolean" ? Number(raw_reward) : raw_reward;
  if (typeof reward !== "number" || !Number.isFinite(reward)) {
    return `its reward is ${shown(raw_reward)}, not a finite number`;
  }
  if (typeof is_success !== "boolean" && is_success !== 0 && is_success !== 1) {
    return `its is_success is ${shown(is_success)}, not true or false`;
  }
  return { rawReward: reward, isSuccess: Boolean(is_success), ...(typeof reason === "string" && { reason }) };
}

function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
