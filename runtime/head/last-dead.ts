// The dead that are still shown: so many, the latest.

export class LastDead {
  readonly #limit: number;
  readonly #ids: string[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds one; gives the one that is no longer shown for it. */
  add(id: string): string | undefined {
    this.#ids.push(id);
    return this.#ids.length > this.#limit ? this.#ids.shift() : undefined;
  }
}
