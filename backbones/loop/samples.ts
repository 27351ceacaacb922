/** Turns judged groups into what the learner is given. Pure. */

import type { AlgorithmName } from "../../actors/index.ts";
import { groupAdvantages, type JudgedEpisode, type TrainingSample } from "../../actors/index.ts";

/** Samples of all episodes that carry a signal, with their episode's advantage. */
export function samplesOf(groups: readonly (readonly JudgedEpisode[])[], algorithm: AlgorithmName): TrainingSample[] {
  const advantages = groupAdvantages(
    algorithm,
    groups.map((group) => group.map((episode) => episode.result.rawReward)),
  );
  return groups.flatMap((group, g) =>
    group.flatMap((episode, e) => {
      const advantage = advantages[g]?.[e] ?? 0;
      if (advantage === 0) return [];
      return episode.sequences.filter((s) => s.lossMask.includes(1)).map((sequence) => ({ ...sequence, advantage }));
    }),
  );
}

/** True where the rewards of a group differ, so that it says which episode was better. */
export const isMixed = (group: readonly JudgedEpisode[]): boolean =>
  new Set(group.map((episode) => episode.result.rawReward)).size > 1;
