// A user's value as bytes and back: plain msgpack and the one extension of extension.ts.
import { Packr } from "msgpackr";
import type { ObjectRef } from "../core/index.ts";
import { type Companions, withCompanions } from "./extension.ts";
import { Walk } from "./walk.ts";

/** A value as it travels, with the references and handles found in it. */
export interface EncodedValue {
  /** Empty for `undefined`. */
  readonly data: Uint8Array;
  readonly objects: readonly ObjectRef[];
  readonly actors: readonly object[];
}

// "auto": a 64-bit integer that another language sent is a number where that is exact. msgpackr has it, its types do not.
const options = { useRecords: false, variableMapSize: true, int64AsType: "auto", copyBuffers: true };
const packr = new Packr(options as unknown as ConstructorParameters<typeof Packr>[0]);
const nothing = new Uint8Array(0);

/** Throws SerializationError with `path` and the way to the part that cannot travel. */
export function encodeValue(value: unknown, path: string): EncodedValue {
  if (value === undefined) return { data: nothing, objects: [], actors: [] };
  const walk = new Walk(path);
  const portable = walk.portable(value);
  return { data: pack(portable), objects: walk.objects, actors: walk.actors };
}

/** A fresh copy at each call. `objects` and `actors` are what the references and handles become. */
export function decodeValue(encoded: EncodedValue): unknown {
  return encoded.data.byteLength === 0 ? undefined : unpack(encoded.data, encoded);
}

/** What a walk gave, as msgpack. The bytes are the caller's own. */
export function pack(portable: unknown): Uint8Array {
  return new Uint8Array(packr.pack(portable));
}

/** Nothing of what it gives lies over `data`; arrays and bytes beside the value lie over their buffers. */
export function unpack(data: Uint8Array, companions: Companions): unknown {
  return withCompanions(companions, () => packr.unpack(Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
}
