/** Rolls out groups of episodes: several repeats of each task, a bounded number at once, failures retried and counted. */

import type { Episode, JudgedEpisode, Task } from "../../actors/index.ts";
import { UserError } from "../../configs/index.ts";
import type { Crew } from "./crew.ts";
import { inParallel } from "./in-parallel.ts";
import { seedAt } from "./seed.ts";

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

/** Groups in the order of the tasks, and the failures on the way. A group is short where its retries ran out. */
export interface RolloutOutcome {
  readonly groups: readonly (readonly JudgedEpisode[])[];
  readonly failed: number;
  readonly retried: number;
  readonly firstError?: string;
}

/** So many failures without one success end the run: it would go on failing. */
const HOPELESS = 24;

/** Rolls out `plan.repeats` episodes of each task. Rejects when none of the first episodes succeeds. */
export async function rollOut(
  crew: Crew,
  tasks: readonly Task[],
  plan: RolloutPlan,
  signal: AbortSignal,
  onEpisode: (episode: JudgedEpisode) => void,
): Promise<RolloutOutcome> {
  const jobs = tasks.flatMap((task, place) =>
    Array.from({ length: plan.repeats }, (_, repeat) => ({ task, place, repeat })),
  );
  const counts = { finished: 0, failed: 0, retried: 0 };
  let firstError: string | undefined;

  const attempt = async (
    task: Task,
    place: number,
    repeat: number,
    attempts: number,
  ): Promise<JudgedEpisode | string> => {
    const seed =
      plan.seed === undefined
        ? {}
        : { seed: seedAt(plan.seed, plan.split, plan.step, plan.round ?? 0, place, repeat, attempts) };
    const episode = await crew.runEpisode({
      episodeId: [plan.split, plan.step, plan.round ?? 0, place, repeat, attempts].join("-"),
      task,
      split: plan.split,
      step: plan.step,
      repeat,
      sampling: { ...plan.sampling, ...seed },
      timeoutMs: plan.timeoutMs,
    });
    if (episode.status === "failed") return episode.error ?? "no reason given";
    return judged(crew, task, episode);
  };

  const finished = await inParallel(
    jobs,
    plan.maxParallel,
    async ({ task, place, repeat }) => {
      for (let attempts = 0; attempts <= plan.maxRetries; attempts++) {
        signal.throwIfAborted();
        if (attempts > 0) counts.retried++;
        const outcome = await attempt(task, place, repeat, attempts);
        if (typeof outcome !== "string") {
          counts.finished++;
          onEpisode(outcome);
          return { place, episode: outcome };
        }
        counts.failed++;
        firstError ??= outcome;
        if (counts.finished === 0 && counts.failed >= HOPELESS) throw hopeless(plan, counts.failed, firstError);
      }
      return undefined;
    },
    signal,
  );
  if (counts.finished === 0 && jobs.length > 0) throw hopeless(plan, counts.failed, firstError ?? "");
  const groups = tasks.map((_, place) => finished.flatMap((each) => (each?.place === place ? [each.episode] : [])));
  return { groups, failed: counts.failed, retried: counts.retried, ...(firstError !== undefined && { firstError }) };
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
