// A value whose large arrays and bytes stay out of its msgpack: they are written to their place in shared memory by one
// copy, and read there without any. The value is walked once, whatever its size turns out to be.
import { addExtension } from "msgpackr";
import type { ObjectRef } from "../core/index.ts";
import { type Companions, kinds, numbered } from "./extension.ts";
import { bytesOf, encodeForm, type TypedArray } from "./tensor.ts";
import { type EncodedValue, encodeValue, pack, unpack } from "./value-codec.ts";
import { inside, type Placement, Walk } from "./walk.ts";

/** Arrays and bytes from this length on may stay beside the value. A smaller one costs more than its copy there. */
const besideFromBytes = 4096;

/** Values up to this length travel inside a call; larger ones as an object of the node's store. Ray's own limit. */
export const inlineLimitBytes = 100 * 1024;

/** A value in parts. `buffers` are views of the value's own memory: write them before the value can change. */
export interface LargeValue {
  readonly head: Uint8Array;
  readonly buffers: readonly Uint8Array[];
  readonly objects: readonly ObjectRef[];
  readonly actors: readonly object[];
}

/** A value that is small enough for a call, or one for the store. */
export type TransferValue =
  | { readonly kind: "inline"; readonly value: EncodedValue }
  | { readonly kind: "large"; readonly value: LargeValue };

/**
 * The value for a call if it is at most `limitBytes` long, else for the store. Throws SerializationError with `path` and
 * the way to the part that cannot travel.
 */
export function encodeForTransfer(value: unknown, path: string, limitBytes = inlineLimitBytes): TransferValue {
  if (isScalar(value)) return { kind: "inline", value: encodeValue(value, path) };
  const beside = new Beside();
  const walk = new Walk(path, beside);
  const portable = walk.portable(value);
  beside.keptInside = beside.totalBytes <= limitBytes;
  const head = pack(portable);
  const { objects, actors } = walk;
  if (beside.keptInside && head.byteLength <= limitBytes) {
    return { kind: "inline", value: { data: head, objects, actors } };
  }
  return { kind: "large", value: { head, buffers: beside.keptInside ? [] : beside.buffers, objects, actors } };
}

/** The value for the store, whatever its length. Errors as encodeForTransfer. */
export function encodeLarge(value: unknown, path: string): LargeValue {
  const beside = new Beside();
  const walk = new Walk(path, beside);
  const head = pack(walk.portable(value));
  return { head, buffers: beside.buffers, objects: walk.objects, actors: walk.actors };
}

/**
 * The value of encodeLarge. Its large arrays and buffers lie directly over `buffers`, and keep their memory alive;
 * everything else is a copy. `objects` and `actors` are what the references and handles become.
 */
export function decodeLarge(
  head: Uint8Array,
  buffers: readonly Uint8Array[],
  companions: Pick<Companions, "objects" | "actors"> = { objects: [], actors: [] },
): unknown {
  return unpack(head, { ...companions, buffers });
}

function isScalar(value: unknown): boolean {
  return typeof value !== "object" && typeof value !== "string";
}

/** Keeps large arrays and bytes aside until it is known whether the value as a whole is large. */
class Beside implements Placement {
  readonly buffers: Uint8Array[] = [];
  totalBytes = 0;
  keptInside = false;

  array(dtype: string, shape: readonly number[], data: TypedArray): unknown {
    if (data.byteLength < besideFromBytes) return inside.array(dtype, shape, data);
    const index = this.#keep(bytesOf(data));
    return new Undecided(() =>
      this.keptInside ? inside.array(dtype, shape, data) : numbered(kinds.arrayBeside, index, encodeForm(dtype, shape)),
    );
  }

  buffer(data: Buffer): unknown {
    if (data.byteLength < besideFromBytes) return data;
    const index = this.#keep(data);
    return new Undecided(() => (this.keptInside ? data : numbered(kinds.bytesBeside, index)));
  }

  #keep(bytes: Uint8Array): number {
    this.totalBytes += bytes.byteLength;
    return this.buffers.push(bytes) - 1;
  }
}

/** What stands for an array in a walked value until it is packed. */
class Undecided {
  readonly decide: () => unknown;

  constructor(decide: () => unknown) {
    this.decide = decide;
  }
}

addExtension({ Class: Undecided, write: (undecided: Undecided) => undecided.decide() });
