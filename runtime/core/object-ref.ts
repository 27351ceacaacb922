// A reference to a value that exists or will exist. It knows nothing of where: that is its slot's business, which the
// local runtime and the cluster each have their own kind of.
import { blocking } from "./execution-context.ts";
import type { ObjectId } from "./ids.ts";

/** How a call is cancelled. */
export interface CancelOptions {
  /** Ends the worker process of a running task. Not for actor methods. Default false. */
  readonly force?: boolean;
  /** Cancels what the task itself submitted, too. Default true. */
  readonly recursive?: boolean;
}

/** The place a reference points to. */
export interface ObjectSlot {
  readonly id: ObjectId;
  readonly settled: boolean;
  /** The last look through a list of references that came by here; `wait` finds with it the one that is there twice. */
  seen: number;
  /** Calls back once the slot is settled (at once if it is); the function given back takes the callback away. */
  onSettled(listener: () => void): () => void;
  /** Brings the value of a settled slot here; undefined where it is here, or there is an error. */
  prepare(): Promise<void> | undefined;
  /** The value, or throws the error. Only for a settled slot that is prepared. */
  read(): unknown;
  /** Rejects where the call cannot be cancelled so. */
  cancel(options: CancelOptions): void | Promise<void>;
}

/**
 * A value that a call will give, or that `put` stored. `await ref` is `get(ref)`: it gives the value or throws the call's
 * error. Because a reference is awaitable, an async function that returns one gives its value; put it in an array or an
 * object to hand on the reference itself.
 */
export class ObjectRef<out T = unknown> implements PromiseLike<T> {
  readonly #slot: ObjectSlot;

  constructor(slot: ObjectSlot) {
    this.#slot = slot;
  }

  /** The place that a reference points to. For the runtime's own use. */
  static slotOf(ref: ObjectRef): ObjectSlot {
    return ref.#slot;
  }

  get id(): ObjectId {
    return this.#slot.id;
  }

  // biome-ignore lint/suspicious/noThenProperty: awaitable on purpose
  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return readWhenSettled<T>(this.#slot).then(fulfilled, rejected);
  }

  get [Symbol.toStringTag](): string {
    return `ObjectRef(${this.id})`;
  }
}

/** The slot behind a reference. */
export function slotOf(ref: ObjectRef): ObjectSlot {
  return ObjectRef.slotOf(ref);
}

/** The slot's value, or its error thrown, once it is settled. A task that waits here gives its CPUs back meanwhile. */
export function readWhenSettled<T>(slot: ObjectSlot): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const unblock = slot.settled ? undefined : blocking();
    const read = () => {
      unblock?.();
      try {
        resolve(slot.read() as T);
      } catch (error) {
        reject(error);
      }
    };
    slot.onSettled(() => {
      const preparing = slot.prepare();
      if (preparing !== undefined) preparing.then(read, reject);
      else read();
    });
  });
}
