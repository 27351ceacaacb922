// Places in an order, each free or not, with its used share: the first one that may still be packed, and the least used one,
// each in the logarithm of their number.

export class BestTree {
  /** Leaves from `#capacity` on; a parent has the least of its two children. Infinity: does not fit. */
  #shares: Float64Array;
  /** 1 where some place below fits and may be packed. */
  #packable: Uint8Array;
  #capacity: number;

  constructor(capacity = 16) {
    this.#capacity = capacity;
    this.#shares = new Float64Array(2 * capacity).fill(Number.POSITIVE_INFINITY);
    this.#packable = new Uint8Array(2 * capacity);
  }

  /** Whether no place fits. */
  get isEmpty(): boolean {
    return this.#shares[1] === Number.POSITIVE_INFINITY;
  }

  /** Says how a place is; `share` undefined: it does not fit. */
  set(place: number, share: number | undefined, packable: boolean): void {
    if (place >= this.#capacity) {
      if (share === undefined) return;
      this.#grow(place);
    }
    let at = place + this.#capacity;
    this.#shares[at] = share ?? Number.POSITIVE_INFINITY;
    this.#packable[at] = share !== undefined && packable ? 1 : 0;
    for (at >>= 1; at >= 1; at >>= 1) this.#sum(at);
  }

  /** The first place that fits and may be packed. */
  firstPackable(): number | undefined {
    if (!this.#packable[1]) return undefined;
    return this.#descend((left) => this.#packable[left] === 1);
  }

  /** The place with the least share, the first of equals. */
  least(): number | undefined {
    if (this.isEmpty) return undefined;
    return this.#descend((left) => (this.#shares[left] as number) <= (this.#shares[left + 1] as number));
  }

  #descend(goesLeft: (left: number) => boolean): number {
    let at = 1;
    while (at < this.#capacity) at = goesLeft(2 * at) ? 2 * at : 2 * at + 1;
    return at - this.#capacity;
  }

  #sum(at: number): void {
    this.#shares[at] = Math.min(this.#shares[2 * at] as number, this.#shares[2 * at + 1] as number);
    this.#packable[at] = (this.#packable[2 * at] as number) | (this.#packable[2 * at + 1] as number);
  }

  #grow(place: number): void {
    const [shares, packable, old] = [this.#shares, this.#packable, this.#capacity];
    while (this.#capacity <= place) this.#capacity *= 2;
    this.#shares = new Float64Array(2 * this.#capacity).fill(Number.POSITIVE_INFINITY);
    this.#packable = new Uint8Array(2 * this.#capacity);
    this.#shares.set(shares.subarray(old), this.#capacity);
    this.#packable.set(packable.subarray(old), this.#capacity);
    for (let at = this.#capacity - 1; at >= 1; at -= 1) this.#sum(at);
  }
}
