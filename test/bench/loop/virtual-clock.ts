/**
 * A clock that jumps to the next thing that is due as soon as nothing else is going on in this process, so that an hour of
 * simulated work takes as long as the code around it does.
 */

import { setImmediate as turn } from "node:timers/promises";

interface Due {
  readonly atMs: number;
  readonly number: number;
  readonly fire: () => void;
}

/** Turns of the event loop without file operations under way after which nothing is taken to be going on. */
const QUIET_TURNS = 12;

export class VirtualClock {
  #nowMs = 0;
  #number = 0;
  #due: Due[] = [];
  #isRunning = false;

  /** Milliseconds. */
  readonly now = (): number => this.#nowMs;

  /** Calls `fire` in `ms` milliseconds; the function given back takes that away. */
  after(ms: number, fire: () => void): () => void {
    const due = { atMs: this.#nowMs + Math.max(0, ms), number: this.#number++, fire };
    const place = this.#due.findIndex((other) => other.atMs > due.atMs);
    this.#due.splice(place < 0 ? this.#due.length : place, 0, due);
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Lets time pass until `work` is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#isRunning = true;
    const over = work.finally(() => {
      this.#isRunning = false;
    });
    over.catch(() => {});
    while (this.#isRunning) {
      await this.#untilQuiet();
      const next = this.#due.shift();
      if (next === undefined) continue;
      this.#nowMs = next.atMs;
      next.fire();
    }
    return over;
  }

  async #untilQuiet(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await turn();
      if (process.getActiveResourcesInfo().some((name) => /^FSReq|CloseReq/i.test(name))) quiet = 0;
    }
  }
}
