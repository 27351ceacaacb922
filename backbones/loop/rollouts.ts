/** Rolls out groups of episodes: several repeats of each task, a bounded number at once, failures retried and counted. */

import type { Episode, JudgedEpisode, Task } from "../../actors/index.ts";
import { UserError } from "../../configs/index.ts";
import type { Crew } from "./crew.ts";
import { seedAt } from "./seed.ts";
import type { Slots } from "./slots.ts";

/** How episodes are sampled and bounded. */
export interface RolloutPlan {
  readonly split: "train" | "validation";
  readonly step: number;
  /** Which attempt at filling this step, where it takes several. */
  readonly round?: number;
  readonly repeats: number;
  readonly sampling: { readonly temperature: number; readonly topP: number; readonly topK: number };
  readonly maxParallel: number;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  /** The run's seed where results must not depend on timing; each episode's is made from it. */
  readonly seed?: number;
}

/** A task and its place among those of its round. */
export interface PlacedTask {
  readonly task: Task;
  readonly place: number;
}

/** Told what happens, as it happens. */
export interface RolloutWatch {
  /** The first episode of a group begins. */
  begun?(place: number): void;
  episode(episode: JudgedEpisode): void;
  /** All episodes of a group are over; it is short, or empty, where retries ran out. */
  group?(place: number, episodes: readonly JudgedEpisode[]): void;
  failed?(): void;
  retried?(): void;
}

/** Groups in the order of the tasks, and the failures on the way. A group is short where its retries ran out. */
export interface RolloutOutcome {
  readonly groups: readonly (readonly JudgedEpisode[])[];
  readonly failed: number;
  readonly firstError?: string;
}

/** So many failures without one success end the run: it would go on failing. */
const HOPELESS = 24;

/**
 * Rolls out `plan.repeats` episodes of each task. Rejects when none of the first episodes succeeds. The first rejection,
 * or the signal, keeps further episodes from starting; running ones are waited for.
 */
export async function rollOut(
  crew: Crew,
  tasks: readonly PlacedTask[],
  plan: RolloutPlan,
  slots: Slots,
  signal: AbortSignal,
  watch: RolloutWatch,
): Promise<RolloutOutcome> {
  const counts = { finished: 0, failed: 0 };
  let firstError: string | undefined;
  let isOver = false;
  // Whoever waits for a validation waits with everything else; older steps go before newer ones.
  const rank = plan.split === "validation" ? -1 : plan.step;

  const episodeOf = async (task: Task, place: number, repeat: number): Promise<JudgedEpisode | undefined> => {
    for (let attempts = 0; attempts <= plan.maxRetries; attempts++) {
      signal.throwIfAborted();
      if (attempts > 0) watch.retried?.();
      const outcome = await attempt(crew, task, plan, [place, repeat, attempts]);
      if (typeof outcome !== "string") {
        counts.finished++;
        watch.episode(outcome);
        return outcome;
      }
      counts.failed++;
      watch.failed?.();
      firstError ??= outcome;
      if (counts.finished === 0 && counts.failed >= HOPELESS) throw hopeless(plan, counts.failed, firstError);
    }
    return undefined;
  };

  const groupOf = async ({ task, place }: PlacedTask): Promise<readonly JudgedEpisode[]> => {
    let begun = false;
    const repeats = Array.from({ length: plan.repeats }, (_, repeat) =>
      slots.use(rank, async () => {
        if (isOver) return undefined;
        try {
          signal.throwIfAborted();
          if (!begun) watch.begun?.(place);
          begun = true;
          return await episodeOf(task, place, repeat);
        } catch (error) {
          isOver = true;
          throw error;
        }
      }),
    );
    const episodes = (await allOf(repeats)).filter((episode) => episode !== undefined);
    if (!isOver) watch.group?.(place, episodes);
    return episodes;
  };

  const groups = await allOf(tasks.map(groupOf));
  if (counts.finished === 0 && tasks.length > 0) throw hopeless(plan, counts.failed, firstError ?? "");
  return { groups, failed: counts.failed, ...(firstError !== undefined && { firstError }) };
}

/** The results in order; waits for all of them before it rejects with the first failure. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises);
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

/** One attempt at an episode, or why it failed. */
async function attempt(
  crew: Crew,
  task: Task,
  plan: RolloutPlan,
  [place, repeat, attempts]: readonly [number, number, number],
): Promise<JudgedEpisode | string> {
  const at = [plan.split, plan.step, plan.round ?? 0, place, repeat, attempts] as const;
  const episode = await crew.runEpisode({
    episodeId: at.join("-"),
    task,
    split: plan.split,
    step: plan.step,
    repeat,
    sampling: { ...plan.sampling, ...(plan.seed !== undefined && { seed: seedAt(plan.seed, ...at) }) },
    timeoutMs: plan.timeoutMs,
  });
  if (episode.status === "failed") return episode.error ?? "no reason given";
  return judged(crew, task, episode);
}

/** An overlong episode needs no judge: it has no answer, so its reward is 0. A judge's failure is the episode's. */
async function judged(crew: Crew, task: Task, episode: Episode): Promise<JudgedEpisode | string> {
  if (episode.status === "context_overflow") {
    return { ...episode, result: { rawReward: 0, isSuccess: false, reason: episode.error ?? "context overflow" } };
  }
  try {
    return { ...episode, result: await crew.judge(task, episode) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function hopeless(plan: RolloutPlan, failures: number, firstError: string): UserError {
  return new UserError({
    where: `${plan.split} episodes at step ${plan.step}`,
    expected: "some episode to finish",
    found: `${failures} failures and no success, the first: ${firstError}`,
    fix: "mend the cause, then go on with --resume",
  });
}
