/** Keeps each episode on one engine, and lets an engine run dry: without partial rollouts, weights change between episodes. */

interface Place {
  running: number;
  isDraining: boolean;
}

/** Counts the episodes on each engine. */
export class EpisodeDrain {
  readonly #places: readonly Place[];
  #waiting: (() => void)[] = [];

  constructor(engines: number) {
    this.#places = Array.from({ length: engines }, () => ({ running: 0, isDraining: false }));
  }

  /** Runs an episode on the engine with the fewest of them; waits while all engines run dry. */
  async onOneEngine<T>(episode: (engine: number) => Promise<T>): Promise<T> {
    let engine = this.#leastBusy();
    while (engine === undefined) {
      await this.#change();
      engine = this.#leastBusy();
    }
    const place = this.#places[engine] as Place;
    place.running++;
    try {
      return await episode(engine);
    } finally {
      place.running--;
      this.#changed();
    }
  }

  /** Lets the engine's episodes end, does `work`, and opens the engine again. */
  async whenDry<T>(engine: number, work: () => Promise<T>): Promise<T> {
    const place = this.#places[engine] as Place;
    place.isDraining = true;
    try {
      while (place.running > 0) await this.#change();
      return await work();
    } finally {
      place.isDraining = false;
      this.#changed();
    }
  }

  #leastBusy(): number | undefined {
    let best: number | undefined;
    for (const [index, place] of this.#places.entries()) {
      if (place.isDraining) continue;
      if (best === undefined || place.running < (this.#places[best] as Place).running) best = index;
    }
    return best;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
