// A value that lies in an object store. It is brought into this process when it is first wanted: mapped where it lies on
// this node, copied to this node's store before that where it lies on another one.
import { WireValue } from "../calls/index.ts";
import { decodeLarge, type EncodedValue, objectSections, type StoredAt } from "../wire/index.ts";

export class StoredValue extends WireValue {
  declare readonly storedAt: StoredAt;
  readonly #bring: (at: StoredAt) => Promise<Uint8Array>;
  #bytes: Uint8Array | undefined;
  #bringing: Promise<void> | undefined;

  constructor(value: EncodedValue, at: StoredAt, bring: (at: StoredAt) => Promise<Uint8Array>) {
    super(value, at);
    this.#bring = bring;
  }

  override prepare(): Promise<void> | undefined {
    if (this.#bytes) return undefined;
    this.#bringing ??= this.#bring(this.storedAt).then((bytes) => {
      this.#bytes = bytes;
    });
    return this.#bringing;
  }

  override open(): unknown {
    return this.value();
  }

  /** The value; large arrays in it lie over the store's memory. Only when prepared. */
  value(): unknown {
    if (!this.#bytes) throw new Error(`object ${this.storedAt[0]} is not prepared`);
    const { head, buffers } = objectSections(this.#bytes);
    // Whoever else has prepared in this turn reads too; after it only the values themselves hold the store's memory.
    setImmediate(() => {
      this.#bytes = undefined;
      this.#bringing = undefined;
    });
    return decodeLarge(head, buffers, this);
  }
}
