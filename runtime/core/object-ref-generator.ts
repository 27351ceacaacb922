// The caller's end of a streaming call: one reference for each value the remote generator yields.
import type { ObjectRef } from "./object-ref.ts";

/** Where the references of a stream come from. */
export interface StreamSource {
  /** The next reference, or undefined at the end. An error of the generator is the last reference. */
  next(): Promise<ObjectRefBox | undefined>;
  /** The caller wants no more. */
  close(): void;
}

/** A box around a reference: a bare one would be awaited on its way through a promise. */
export interface ObjectRefBox {
  readonly ref: ObjectRef;
}

/**
 * Gives one `ObjectRef` for each value that the remote generator yields, in order. If the generator throws, the last
 * reference gives the error. Leaving a `for await` loop early cancels the remote generator.
 */
export class ObjectRefGenerator<out T = unknown> implements AsyncIterableIterator<ObjectRef<T>> {
  readonly #source: StreamSource;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  async next(): Promise<IteratorResult<ObjectRef<T>, undefined>> {
    const box = await this.#source.next();
    return box ? { done: false, value: box.ref as ObjectRef<T> } : { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<ObjectRef<T>, undefined>> {
    this.#source.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#source.close();
  }
}
