/** Groups that were rolled out and wait for the learner. */

import type { JudgedEpisode } from "../../actors/index.ts";

/** Where a group stands in a run: which step it was started for, at which attempt to fill it, and as which of its tasks. */
export interface GroupPlace {
  readonly step: number;
  readonly round: number;
  readonly place: number;
}

/** A group of one task's episodes, and how far training was when its rollout began. */
export interface RolledGroup extends GroupPlace {
  /** Version of the weights that every engine served when the first episode began. */
  readonly version: number;
  /** Steps that were trained by then. It grows where a version does not: at a skipped update. */
  readonly afterStep: number;
  readonly episodes: readonly JudgedEpisode[];
}

/** In the order of the run: step, round, place. */
export const byPlace = (a: GroupPlace, b: GroupPlace): number =>
  a.step - b.step || a.round - b.round || a.place - b.place;

/** Those that began first are taken first. Groups older than `maxStaleness` versions are dropped and counted. */
export class SampleBuffer {
  #groups: RolledGroup[];
  readonly #maxStaleness: number;

  constructor(maxStaleness: number, groups: readonly RolledGroup[] = []) {
    this.#maxStaleness = maxStaleness;
    this.#groups = [...groups];
  }

  get size(): number {
    return this.#groups.length;
  }

  add(group: RolledGroup): void {
    if (group.episodes.length > 0) this.#groups.push(group);
  }

  /** Removes and returns up to `count` groups that are fresh enough at `version`, in their order, and how many were not. */
  take(count: number, version: number): { readonly groups: readonly RolledGroup[]; readonly dropped: number } {
    const fresh = this.#groups.filter((group) => version - group.version <= this.#maxStaleness);
    const dropped = this.#groups.length - fresh.length;
    // A stable sort: of those that began after the same step, the one that finished first.
    fresh.sort((a, b) => a.afterStep - b.afterStep);
    this.#groups = fresh.slice(count);
    return { groups: fresh.slice(0, count).sort(byPlace), dropped };
  }

  /** What a checkpoint keeps. */
  state(): readonly RolledGroup[] {
    return [...this.#groups];
  }
}
