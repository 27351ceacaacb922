/** Groups that were rolled out and wait for the learner. */

import type { JudgedEpisode } from "../../actors/index.ts";

/** A group of one task's episodes, and the version of the weights when its rollout began. */
export interface BufferedGroup {
  readonly version: number;
  readonly episodes: readonly JudgedEpisode[];
}

/** First in, first out. Groups older than `maxStaleness` versions are dropped and counted. */
export class SampleBuffer {
  #groups: BufferedGroup[];
  readonly #maxStaleness: number;

  constructor(maxStaleness: number, groups: readonly BufferedGroup[] = []) {
    this.#maxStaleness = maxStaleness;
    this.#groups = [...groups];
  }

  get size(): number {
    return this.#groups.length;
  }

  add(version: number, groups: readonly (readonly JudgedEpisode[])[]): void {
    for (const episodes of groups) if (episodes.length > 0) this.#groups.push({ version, episodes });
  }

  /** Removes and returns up to `count` groups that are fresh enough at `version`, and how many were too old. */
  take(count: number, version: number): { groups: (readonly JudgedEpisode[])[]; dropped: number } {
    const fresh = this.#groups.filter((group) => version - group.version <= this.#maxStaleness);
    const dropped = this.#groups.length - fresh.length;
    this.#groups = fresh.slice(count);
    return { groups: fresh.slice(0, count).map((group) => group.episodes), dropped };
  }

  /** What a checkpoint keeps. */
  state(): readonly BufferedGroup[] {
    return this.#groups;
  }
}
