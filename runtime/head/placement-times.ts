// How long the head took to place what could be placed at once: from when a request was read to when the message to the node
// was handed to its connection, with everything else that the head did in that turn.

/** The last so many. */
const kept = 1_000;

export interface PlacementFacts {
  readonly count: number;
  /** Milliseconds, of the latest; 0 where there is none. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class PlacementTimes {
  readonly #times = new Float64Array(kept);
  #count = 0;
  readonly #open: number[] = [];

  /** A request that was read at `readMs` has a place, and its node's message waits for the end of the turn. */
  placed(readMs: number): void {
    this.#open.push(readMs);
    // The connections' own end of the turn was asked for before this one.
    if (this.#open.length === 1) setImmediate(() => this.#sent());
  }

  /** Of the latest, at most 1,000. */
  facts(latest: number): PlacementFacts {
    const count = Math.max(0, Math.min(this.#count, kept, latest));
    const times = Float64Array.from({ length: count }, (_, back) => {
      return this.#times[(this.#count - 1 - back) % kept] as number;
    }).sort();
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    return { count: this.#count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  #sent(): void {
    const now = performance.now();
    for (const readMs of this.#open.splice(0)) {
      this.#times[this.#count % kept] = now - readMs;
      this.#count += 1;
    }
  }
}
