// The slot behind a reference: one value, or one error, and who waits for it.
import { type CancelOptions, newId, type ObjectId, type ObjectSlot } from "../core/index.ts";
import type { Carrier, Packed } from "./carrier.ts";

/** What a value is waited for from. */
export interface Cancellable {
  cancel(options: CancelOptions): void | Promise<void>;
}

export class ObjectEntry implements ObjectSlot {
  seen = 0;
  readonly #carrier: Carrier;
  readonly #maker: Cancellable | undefined;
  #id: ObjectId | undefined;
  /** Most entries have one listener at most. */
  #listener: (() => void) | undefined;
  #others: Set<() => void> | undefined;
  #outcome: { readonly value: Packed } | { readonly error: unknown } | undefined;
  #fetch: (() => void) | undefined;

  /** `maker`: the call that is to give the value. */
  constructor(carrier: Carrier, maker?: Cancellable) {
    this.#carrier = carrier;
    this.#maker = maker;
  }

  /**
   * The slot of an object that another process owns; `fetch` is called once, when somebody first wants the value,
   * `cancel` asks the owner to cancel the call that it is of.
   */
  static borrowed(
    carrier: Carrier,
    id: ObjectId,
    { fetch, cancel }: { fetch(): void; cancel(options: CancelOptions): Promise<void> },
  ): ObjectEntry {
    const entry = new ObjectEntry(carrier, { cancel });
    entry.#id = id;
    entry.#fetch = fetch;
    return entry;
  }

  get id(): ObjectId {
    this.#id ??= newId<ObjectId>();
    return this.#id;
  }

  get settled(): boolean {
    this.#demand();
    return this.#outcome !== undefined;
  }

  /** The value as it travels, or the error; undefined until settled. */
  get outcome(): { readonly value: Packed } | { readonly error: unknown } | undefined {
    return this.#outcome;
  }

  fulfil(value: Packed): void {
    this.#settle({ value });
  }

  fail(error: unknown): void {
    this.#settle({ error });
  }

  onSettled(listener: () => void): () => void {
    if (this.#outcome) {
      listener();
      return () => {};
    }
    if (this.#listener === undefined && !this.#others) this.#listener = listener;
    else {
      this.#others ??= new Set();
      this.#others.add(listener);
    }
    this.#demand();
    return () => this.#forget(listener);
  }

  #forget(listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }

  prepare(): Promise<void> | undefined {
    return this.#outcome && "value" in this.#outcome ? this.#outcome.value.prepare?.() : undefined;
  }

  /** Fulfils with a value that may still have to be stored. */
  keep(value: Packed): void {
    if (!value.saved) this.fulfil(value);
    else
      value.saved.then(
        (stored) => this.fulfil(stored),
        (error: unknown) => this.fail(error),
      );
  }

  read(): unknown {
    const outcome = this.#outcome;
    if (!outcome) throw new Error(`object ${this.id} is not settled`);
    if ("error" in outcome) throw outcome.error;
    return this.#carrier.unpack(outcome.value);
  }

  cancel(options: CancelOptions): void | Promise<void> {
    return this.#outcome ? undefined : this.#maker?.cancel(options);
  }

  #demand(): void {
    const fetch = this.#fetch;
    this.#fetch = undefined;
    fetch?.();
  }

  #settle(outcome: { readonly value: Packed } | { readonly error: unknown }): void {
    if (this.#outcome) return;
    this.#outcome = outcome;
    const [listener, others] = [this.#listener, this.#others];
    this.#listener = undefined;
    this.#others = undefined;
    listener?.();
    if (others) for (const other of others) other();
  }
}
