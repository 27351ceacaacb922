/** Seeds of episodes: the same place in a run always has the same one. */

import { createHash } from "node:crypto";

/** A seed between 0 and 2^31 - 1 made from the run's seed and a place in the run. */
export function seedAt(seed: number, ...place: readonly (string | number)[]): number {
  const digest = createHash("sha256")
    .update(JSON.stringify([seed, ...place]))
    .digest();
  return digest.readUInt32LE(0) & 0x7fffffff;
}
