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
 * What a streaming call gives. `next()` gives one `ObjectRef` for each value that the remote generator yields, in order; if
 * the generator throws, the last reference gives the error. `for await` gives the values themselves, because a reference
 * is awaitable and the language's `for await` types what it gives as awaited; it throws the error. Leaving the loop early,
 * or `return()`, ends the remote generator.
 */
export class ObjectRefGenerator<out T = unknown> implements AsyncIterable<T> {
  readonly #source: StreamSource;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  async next(): Promise<IteratorResult<ObjectRef<T>, undefined>> {
    const box = await this.#source.next();
    return box ? { done: false, value: box.ref as ObjectRef<T> } : { done: true, value: undefined };
  }

  async return(): Promise<void> {
    this.#source.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: async () => {
        const box = await this.#source.next();
        return box ? { done: false, value: (await box.ref) as T } : { done: true, value: undefined };
      },
      return: async () => {
        this.#source.close();
        return { done: true, value: undefined };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#source.close();
  }
}
