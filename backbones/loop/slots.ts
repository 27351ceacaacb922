/** Places for what may run at once. Who waits gets the next free one by rank, then in the order of asking. */

interface Waiting {
  readonly rank: number;
  readonly begin: () => void;
}

/** Bounds how many episodes run at once, whoever asks for them. */
export class Slots {
  readonly #waiting: Waiting[] = [];
  readonly #onChange: () => void;
  #free: number;

  /** `onChange` is told whenever a place is taken, given back or waited for. */
  constructor(count: number, onChange: () => void = () => {}) {
    this.#free = count;
    this.#onChange = onChange;
  }

  /** True while a place is free, and nobody waits for one. */
  get isIdle(): boolean {
    return this.#free > 0;
  }

  /** Runs `work` in a place; the lowest rank goes first. */
  async use<T>(rank: number, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((begin) => this.#queue({ rank, begin }));
    this.#onChange();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next.begin();
      else this.#free++;
      this.#onChange();
    }
  }

  #queue(waiting: Waiting): void {
    const after = this.#waiting.findLastIndex((other) => other.rank <= waiting.rank);
    this.#waiting.splice(after + 1, 0, waiting);
  }
}
