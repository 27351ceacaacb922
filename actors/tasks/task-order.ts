/** The order in which tasks are taken: a new shuffle for each pass over the set, made from a seed. Pure. */

/** Where an order stands; plain data, for a checkpoint. */
export interface TaskOrderState {
  readonly length: number;
  readonly seed: number;
  /** Passes finished, and tasks already taken of the one that runs. */
  readonly epoch: number;
  readonly position: number;
}

/** An endless order over `length` tasks. The same seed gives the same order on every machine. */
export class TaskOrder {
  readonly #length: number;
  readonly #seed: number;
  #epoch = 0;
  #position = 0;
  #shuffled: readonly number[] | undefined;

  /** Throws a `RangeError` for a set without tasks. */
  constructor(length: number, seed: number) {
    if (!Number.isInteger(length) || length < 1)
      throw new RangeError(`a task set needs at least one task, not ${length}`);
    this.#length = length;
    this.#seed = seed;
  }

  /** Passes over the whole set that are finished. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The next `count` tasks, over the end of a pass into the next one where needed. */
  next(count: number): number[] {
    const taken: number[] = [];
    while (taken.length < count) {
      this.#shuffled ??= shuffle(this.#length, this.#seed, this.#epoch);
      const part = this.#shuffled.slice(this.#position, this.#position + count - taken.length);
      taken.push(...part);
      this.#position += part.length;
      if (this.#position < this.#length) continue;
      this.#position = 0;
      this.#epoch += 1;
      this.#shuffled = undefined;
    }
    return taken;
  }

  state(): TaskOrderState {
    return { length: this.#length, seed: this.#seed, epoch: this.#epoch, position: this.#position };
  }

  /** Continues where `state` stood. Throws when it belongs to another set or seed. */
  restore(state: TaskOrderState): void {
    if (state.length !== this.#length || state.seed !== this.#seed) {
      const [saved, here] = [state, this.state()].map((each) => `${each.length} tasks, seed ${each.seed}`);
      throw new RangeError(`the saved order is of ${saved}; this one is of ${here}`);
    }
    this.#epoch = state.epoch;
    this.#position = state.position;
    this.#shuffled = undefined;
  }
}

/** Fisher-Yates over 0…length-1 with a generator seeded by (seed, epoch). */
function shuffle(length: number, seed: number, epoch: number): number[] {
  const random = generator(seed, epoch);
  const order = Array.from({ length }, (_, index) => index);
  for (let i = length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** mulberry32 (public domain, Tommy Ettinger) over a mix of both seeds. */
function generator(seed: number, epoch: number): () => number {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca6b)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
