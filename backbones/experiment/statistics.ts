/** The numbers that a set of judged episodes gives: rates of success and faults, and pass@n. Pure. */

import type { JudgedEpisode } from "../../actors/index.ts";

/** Shares of episodes, each between 0 and 1. */
export interface Rates {
  readonly success: number;
  readonly malformed_call: number;
  readonly no_print: number;
  readonly early_answer: number;
  readonly tool_use: number;
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const share = (episodes: readonly JudgedEpisode[], test: (episode: JudgedEpisode) => boolean): number =>
  mean(episodes.map((episode) => (test(episode) ? 1 : 0)));

/** Success, the three faults and tool use, each as a share of the episodes. */
export function ratesOf(episodes: readonly JudgedEpisode[]): Rates {
  return {
    success: share(episodes, (episode) => episode.result.isSuccess),
    malformed_call: share(episodes, (episode) => episode.faults.malformedCall),
    no_print: share(episodes, (episode) => episode.faults.noPrint),
    early_answer: share(episodes, (episode) => episode.faults.earlyAnswer),
    tool_use: share(episodes, (episode) => episode.faults.toolUse),
  };
}

const sampled = (episode: JudgedEpisode): number =>
  episode.turns.reduce((sum, turn) => sum + turn.sampledIds.length, 0);

/** Sampled tokens of all episodes. */
export const sampledTokens = (episodes: readonly JudgedEpisode[]): number =>
  episodes.reduce((sum, episode) => sum + sampled(episode), 0);

/** What is written of a step's rollouts. `groups` holds the episodes of each task. */
export function rolloutMetrics(groups: readonly (readonly JudgedEpisode[])[]): Record<string, number> {
  const episodes = groups.flat();
  const rewards = episodes.map((episode) => episode.result.rawReward);
  const average = mean(rewards);
  const rates = ratesOf(episodes);
  return {
    "reward/mean": average,
    "reward/std": Math.sqrt(mean(rewards.map((reward) => (reward - average) ** 2))),
    "reward/success": rates.success,
    "fault/malformed_call": rates.malformed_call,
    "fault/no_print": rates.no_print,
    "fault/early_answer": rates.early_answer,
    "tool/use": rates.tool_use,
    "episode/count": episodes.length,
    "episode/turns": mean(episodes.map((episode) => episode.turns.length)),
    "episode/tokens": mean(episodes.map(sampled)),
    "episode/context_overflow": share(episodes, (episode) => episode.status === "context_overflow"),
    "group/mixed": mean(groups.map((group) => (new Set(group.map((e) => e.result.rawReward)).size > 1 ? 1 : 0))),
  };
}

/** What is written of a validation: rates over all episodes, and over tasks the share solved by any and by all of n. */
export function validationMetrics(groups: readonly (readonly JudgedEpisode[])[]): Record<string, number> {
  const episodes = groups.flat();
  const rates = ratesOf(episodes);
  const repeats = Math.max(...groups.map((group) => group.length), 1);
  const solved = (test: (group: readonly JudgedEpisode[]) => boolean): number =>
    mean(groups.map((g) => (test(g) ? 1 : 0)));
  return {
    "validation/reward": mean(episodes.map((episode) => episode.result.rawReward)),
    "validation/success": rates.success,
    "validation/malformed_call": rates.malformed_call,
    "validation/no_print": rates.no_print,
    "validation/early_answer": rates.early_answer,
    "validation/tool_use": rates.tool_use,
    "validation/episodes": episodes.length,
    ...(repeats > 1 && {
      [`validation/pass@${repeats}`]: solved((group) => group.some((episode) => episode.result.isSuccess)),
      [`validation/all_of_${repeats}`]: solved((group) => group.every((episode) => episode.result.isSuccess)),
    }),
  };
}
