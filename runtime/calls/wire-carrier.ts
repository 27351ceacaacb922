// Carries values as the wire would: a copy at every step, nothing but what the codec lets through.
import type { ObjectRef } from "../core/index.ts";
import { decodeValue, type EncodedValue, encodeValue, type StoredAt } from "../wire/index.ts";
import type { Carrier, Packed } from "./carrier.ts";

export class WireValue implements Packed, EncodedValue {
  readonly packed = true;
  /** A stored value brings its data here; see Packed. */
  prepare?(): Promise<void> | undefined;
  readonly data: Uint8Array;
  readonly objects: readonly ObjectRef[];
  readonly actors: readonly object[];
  /** Where the value lies, if its data is in an object store and not here. */
  readonly storedAt: StoredAt | undefined;

  constructor({ data, objects, actors }: EncodedValue, storedAt?: StoredAt) {
    this.data = data;
    this.objects = objects;
    this.actors = actors;
    this.storedAt = storedAt;
  }

  open(): unknown {
    return decodeValue(this);
  }
}

export const byWire: Carrier = {
  pack: (value, path) => new WireValue(encodeValue(value, path)),
  unpack: (packed) => packed.open(),
  adopt: (packed) => (packed instanceof WireValue ? packed : byWire.pack(packed.open(), "the value")),
};
