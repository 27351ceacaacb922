/** Measures how long each phase of the loop takes. */

/** Seconds by phase, summed over the run. */
export class Phases {
  readonly #seconds: Record<string, number>;
  readonly #now: () => number;

  /** `now` is a clock in milliseconds. */
  constructor(now: () => number, seconds: Readonly<Record<string, number>> = {}) {
    this.#now = now;
    this.#seconds = { ...seconds };
  }

  /** Runs `work`, adds its time to `phase`, and returns its result with the seconds it took. */
  async measure<T>(phase: string, work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
    const started = this.#now();
    try {
      const result = await work();
      return { result, seconds: (this.#now() - started) / 1000 };
    } finally {
      this.#seconds[phase] = (this.#seconds[phase] ?? 0) + (this.#now() - started) / 1000;
    }
  }

  /** Rounded to milliseconds. */
  totals(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#seconds).map(([phase, s]) => [phase, Math.round(s * 1000) / 1000]));
  }
}
