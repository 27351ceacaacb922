/** Tries the held-out tasks on the weights that the engines serve now. */

import type { JudgedEpisode, Task, TaskSet } from "../../actors/index.ts";
import { type Rates, ratesOf, validationMetrics } from "../experiment/index.ts";
import type { Crew } from "./crew.ts";
import type { LoopPlan } from "./plan.ts";
import { rollOut } from "./rollouts.ts";
import type { Slots } from "./slots.ts";

export interface Validation {
  readonly episodes: readonly JudgedEpisode[];
  readonly rates: Rates;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Rolls out and judges the plan's number of held-out tasks; `begins` is told how many episodes that is. */
export async function validate(
  parts: { readonly plan: LoopPlan; readonly crew: Crew; readonly slots: Slots; readonly signal: AbortSignal },
  step: number,
  tasks: TaskSet,
  watch: { begins(episodes: number): void; episode(episode: JudgedEpisode): void },
): Promise<Validation> {
  const { plan, crew, slots, signal } = parts;
  const chosen = await Promise.all(
    Array.from({ length: plan.validationTasks }, async (_, place) => ({
      place,
      task: (await tasks.at(place)) as Task,
    })),
  );
  watch.begins(chosen.length * plan.validation.repeats);
  const { groups, failed } = await rollOut(crew, chosen, { ...plan.validation, step }, slots, signal, watch);
  const episodes = groups.flat();
  return {
    episodes,
    rates: ratesOf(episodes),
    metrics: { ...validationMetrics(groups), "validation/failed": failed },
  };
}
