/** Lets one part of the loop wait until another has moved. */

/** A bell without memory: `next` resolves at the following `notify`. */
export class Changes {
  #waiting: (() => void)[] = [];

  notify(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  next(): Promise<void> {
    return new Promise((wake) => this.#waiting.push(wake));
  }

  /** Resolves once `test` is true; what `test` throws rejects. It is asked now and at each `notify`. */
  async until(test: () => boolean): Promise<void> {
    while (!test()) await this.next();
  }
}
