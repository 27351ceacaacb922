// Carries values as the wire would: a copy at every step, nothing but what the codec lets through.
import type { ObjectRef } from "../core/index.ts";
import { decodeValue, type EncodedValue, encodeValue } from "../wire/index.ts";
import type { Carrier, Packed } from "./carrier.ts";

export class WireValue implements Packed, EncodedValue {
  readonly packed = true;
  readonly data: Uint8Array;
  readonly objects: readonly ObjectRef[];
  readonly actors: readonly object[];

  constructor({ data, objects, actors }: EncodedValue) {
    this.data = data;
    this.objects = objects;
    this.actors = actors;
  }
}

export const byWire: Carrier = {
  pack: (value, path) => new WireValue(encodeValue(value, path)),
  unpack: (packed) => decodeValue(packed as WireValue),
};
