// The one msgpack extension of a user's value, type 0x41. Its first byte says what follows:
//
//   0  undefined      nothing
//   1  array          see tensor.ts
//   2  ObjectRef      u32, the number of the reference beside the value
//   3  actor handle   u32, the number of the actor beside the value
//   4  bigint         decimal digits in ASCII
//   5  array beside   u32, the number of the buffer beside the value, then its form (tensor.ts)
//   6  bytes beside   u32, the number of the buffer beside the value
//
// All numbers are little-endian. A reader in another language needs these seven lines and plain msgpack. Kinds 5 and 6
// are only in large values, see large-value.ts.
import { addExtension } from "msgpackr";
import { decodeForm, decodeTensor, tensorOver } from "./tensor.ts";

export const extensionType = 0x41;
export const kinds = {
  undefined: 0,
  array: 1,
  objectRef: 2,
  actor: 3,
  bigint: 4,
  arrayBeside: 5,
  bytesBeside: 6,
} as const;

/** A part of a value on its way through msgpack. Only these are packed as the extension. */
export abstract class Extension {
  abstract readonly bytes: Uint8Array;
}

/** An extension whose bytes are known at once. */
class Content extends Extension {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.bytes = bytes;
  }
}

export function extension(kind: number, content: Uint8Array): Extension {
  return new Content(extensionBytes(kind, content));
}

/** An extension of a kind that begins with a number. */
export function numbered(kind: number, index: number, rest?: Uint8Array): Extension {
  const content = new Uint8Array(4 + (rest?.byteLength ?? 0));
  new DataView(content.buffer).setUint32(0, index, true);
  if (rest) content.set(rest, 4);
  return extension(kind, content);
}

function extensionBytes(kind: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + content.byteLength);
  bytes[0] = kind;
  bytes.set(content, 1);
  return bytes;
}

/** What the numbers of references, actors and buffers stand for. */
export interface Companions {
  readonly objects: readonly unknown[];
  readonly actors: readonly unknown[];
  readonly buffers?: readonly Uint8Array[];
}

// Unpacking is synchronous, so the companions of the value being unpacked can wait here.
let companions: Companions | undefined;

/** Runs `unpack` with these companions in reach. */
export function withCompanions<T>(of: Companions, unpack: () => T): T {
  const before = companions;
  companions = of;
  try {
    return unpack();
  } finally {
    companions = before;
  }
}

function decode(bytes: Uint8Array): unknown {
  const content = bytes.subarray(1);
  switch (bytes[0]) {
    case kinds.undefined:
      return undefined;
    case kinds.array:
      return decodeTensor(content);
    case kinds.objectRef:
      return companion("reference", companions?.objects, content);
    case kinds.actor:
      return companion("actor", companions?.actors, content);
    case kinds.bigint:
      return BigInt(String.fromCharCode(...content));
    case kinds.arrayBeside: {
      const memory = companion("buffer", companions?.buffers, content);
      return tensorOver(decodeForm(content.subarray(4)), memory);
    }
    case kinds.bytesBeside: {
      const { buffer, byteOffset, byteLength } = companion("buffer", companions?.buffers, content);
      return Buffer.from(buffer, byteOffset, byteLength);
    }
    default:
      throw new RangeError(`extension of unknown kind ${bytes[0]}`);
  }
}

function companion<T>(what: string, list: readonly T[] | undefined, content: Uint8Array): NonNullable<T> {
  const index = new DataView(content.buffer, content.byteOffset).getUint32(0, true);
  const found = list?.[index];
  if (found === undefined || found === null) throw new RangeError(`${what} ${index} is not beside the value`);
  return found;
}

addExtension({
  Class: Extension,
  type: extensionType,
  pack: (extension: Extension) => extension.bytes as Buffer,
  unpack: decode,
});
