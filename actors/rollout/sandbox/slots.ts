/** A counter of places: so many may be inside, the others wait in order. */

export class Slots {
  #free: number;
  #closed: Error | undefined;
  readonly #waiting = new Set<{ readonly enter: () => void; readonly fail: (reason: unknown) => void }>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Waits for a place and returns what gives it back. Rejects with the reason of `signal`, or of {@link close}. */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#closed) throw this.#closed;
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#giveBack();
    };
  }

  /** Lets nobody in any more; those who wait fail with `reason`. */
  close(reason: Error): void {
    this.#closed ??= reason;
    for (const each of this.#waiting) each.fail(reason);
    this.#waiting.clear();
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    let leave: (() => void) | undefined;
    await new Promise<void>((resolve, reject) => {
      const place = { enter: resolve, fail: reject };
      this.#waiting.add(place);
      leave = () => {
        this.#waiting.delete(place);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
    }).finally(() => {
      if (leave) signal?.removeEventListener("abort", leave);
    });
  }

  #giveBack(): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next.enter();
    } else this.#free += 1;
  }
}
