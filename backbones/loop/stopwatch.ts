/** Adds up the time in which something was so. */

/** Seconds by a clock in milliseconds; starts stopped. */
export class Stopwatch {
  readonly #now: () => number;
  #since: number | undefined;
  #ms = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs while `running` is true; may be told the same twice. */
  set(running: boolean): void {
    const now = this.#now();
    if (this.#since !== undefined) this.#ms += now - this.#since;
    this.#since = running ? now : undefined;
  }

  /** Seconds since the last time this was asked. */
  lap(): number {
    this.set(this.#since !== undefined);
    const seconds = this.#ms / 1000;
    this.#ms = 0;
    return seconds;
  }
}
