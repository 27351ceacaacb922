/** A GPU that generates at a fixed rate, shared equally by what runs on it. */

import type { VirtualClock } from "./virtual-clock.ts";

/** Tokens a second: of one sequence at most, and of all of them together. */
export const RATES = { sequence: 60, gpu: 3840 } as const;

interface Running {
  /** The GPU's progress at which it is done. */
  readonly end: number;
  readonly done: () => void;
}

/** All sequences advance alike, so one number says how far each has come. */
export class SimulatedGpu {
  readonly #clock: VirtualClock;
  readonly #running: Running[] = [];
  #progress = 0;
  #sinceMs = 0;
  #isPaused = false;
  #cancel = (): void => {};

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Resolves when `tokens` have been generated. */
  generate(tokens: number): Promise<void> {
    return new Promise((done) => {
      this.#advance();
      this.#running.push({ end: this.#progress + tokens, done });
      this.#running.sort((a, b) => a.end - b.end);
      this.#plan();
    });
  }

  /** Stands still for so long, as for new weights. */
  async pause(ms: number): Promise<void> {
    this.#advance();
    this.#isPaused = true;
    this.#plan();
    await this.#clock.sleep(ms);
    this.#advance();
    this.#isPaused = false;
    this.#plan();
  }

  #rate(): number {
    if (this.#isPaused || this.#running.length === 0) return 0;
    return Math.min(RATES.sequence, RATES.gpu / this.#running.length);
  }

  #advance(): void {
    const now = this.#clock.now();
    this.#progress += ((now - this.#sinceMs) / 1000) * this.#rate();
    this.#sinceMs = now;
  }

  #plan(): void {
    this.#cancel();
    const [first] = this.#running;
    const rate = this.#rate();
    if (first === undefined || rate === 0) return;
    this.#cancel = this.#clock.after(((first.end - this.#progress) / rate) * 1000, () => {
      this.#advance();
      // Rounding may leave the one that was waited for a hair short.
      while (this.#running[0] && this.#running[0].end <= Math.max(this.#progress, first.end)) {
        this.#running.shift()?.done();
      }
      this.#plan();
    });
  }
}
