/** How old the groups and tokens of a batch are, counted in weight versions. Pure. */

import type { RolledGroup } from "./sample-buffer.ts";

/**
 * Of groups that are trained on weights of `version`: how many versions ago their rollouts began, and which share of their
 * sampled tokens was made by weights of each age, up to `maxStaleness`.
 */
export function stalenessMetrics(
  groups: readonly RolledGroup[],
  version: number,
  maxStaleness: number,
): Record<string, number> {
  const ages = groups.map((group) => version - group.version);
  const tokens = new Array<number>(maxStaleness + 1).fill(0);
  let total = 0;
  for (const { episodes } of groups)
    for (const { sequences } of episodes)
      for (const { lossMask, weightVersions } of sequences)
        for (let at = 0; at < lossMask.length; at++) {
          if (lossMask[at] !== 1) continue;
          const age = Math.min(maxStaleness, Math.max(0, version - (weightVersions[at] ?? version)));
          tokens[age] = (tokens[age] ?? 0) + 1;
          total++;
        }
  const share = (count: number): number => (total === 0 ? 0 : count / total);
  return {
    "staleness/mean": ages.length === 0 ? 0 : ages.reduce((sum, age) => sum + age, 0) / ages.length,
    "staleness/max": Math.max(0, ...ages),
    "staleness/older_tokens": share(total - (tokens[0] ?? 0)),
    ...(maxStaleness > 0 && Object.fromEntries(tokens.map((count, age) => [`staleness/tokens_${age}`, share(count)]))),
  };
}
