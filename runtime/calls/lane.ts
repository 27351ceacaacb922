// A queue of calls of which so many run at once, in the order in which they came.
import type { CallMessage } from "./channel.ts";

export class Lane {
  readonly #limit: number;
  readonly #start: (message: CallMessage) => void;
  readonly #waiting = new Map<number, CallMessage>();
  #running = 0;

  constructor(limit: number, start: (message: CallMessage) => void) {
    this.#limit = limit;
    this.#start = start;
  }

  add(message: CallMessage): void {
    if (this.#running < this.#limit && this.#waiting.size === 0) {
      this.#running += 1;
      this.#start(message);
      return;
    }
    this.#waiting.set(message.callId, message);
    this.#pump();
  }

  /** Takes a call away that has not started; false if it has. */
  drop(callId: number): boolean {
    return this.#waiting.delete(callId);
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** One running call has ended. */
  ended(): void {
    this.#running -= 1;
    this.#pump();
  }

  #pump(): void {
    while (this.#running < this.#limit) {
      const next = this.#waiting.values().next();
      if (next.done) return;
      this.#waiting.delete(next.value.callId);
      this.#running += 1;
      this.#start(next.value);
    }
  }
}
