/** Measures how long each phase of the loop takes. */

/** Seconds by phase, summed over the run. */
export class Phases {
  readonly #seconds: Record<string, number>;

  constructor(seconds: Readonly<Record<string, number>> = {}) {
    this.#seconds = { ...seconds };
  }

  /** Runs `work`, adds its time to `phase`, and returns its result with the seconds it took. */
  async measure<T>(phase: string, work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
    const started = performance.now();
    try {
      const result = await work();
      return { result, seconds: (performance.now() - started) / 1000 };
    } finally {
      this.#seconds[phase] = (this.#seconds[phase] ?? 0) + (performance.now() - started) / 1000;
    }
  }

  /** Rounded to milliseconds. */
  totals(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#seconds).map(([phase, s]) => [phase, Math.round(s * 1000) / 1000]));
  }
}
