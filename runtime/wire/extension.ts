// The one msgpack extension of a user's value, type 0x41. Its first byte says what follows:
//
//   0  undefined      nothing
//   1  array          see tensor.ts
//   2  ObjectRef      u32, the number of the reference beside the value
//   3  actor handle   u32, the number of the actor beside the value
//   4  bigint         decimal digits in ASCII
//
// All numbers are little-endian. A reader in another language needs these five lines and plain msgpack.
import { addExtension } from "msgpackr";
import { decodeTensor } from "./tensor.ts";

export const extensionType = 0x41;
export const kinds = { undefined: 0, array: 1, objectRef: 2, actor: 3, bigint: 4 } as const;

/** A part of a value on its way through msgpack. Only these are packed as the extension. */
export class Extension {
  readonly bytes: Uint8Array;

  constructor(kind: number, content: Uint8Array) {
    this.bytes = new Uint8Array(1 + content.byteLength);
    this.bytes[0] = kind;
    this.bytes.set(content, 1);
  }
}

export function numbered(kind: number, index: number): Extension {
  const content = new Uint8Array(4);
  new DataView(content.buffer).setUint32(0, index, true);
  return new Extension(kind, content);
}

/** What the numbers of references and actors stand for. */
export interface Companions {
  readonly objects: readonly unknown[];
  readonly actors: readonly unknown[];
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
      return companion(companions?.objects, content);
    case kinds.actor:
      return companion(companions?.actors, content);
    case kinds.bigint:
      return BigInt(String.fromCharCode(...content));
    default:
      throw new RangeError(`extension of unknown kind ${bytes[0]}`);
  }
}

function companion(list: readonly unknown[] | undefined, content: Uint8Array): unknown {
  const index = new DataView(content.buffer, content.byteOffset).getUint32(0, true);
  const found = list?.[index];
  if (found === undefined) throw new RangeError(`reference ${index} is not beside the value`);
  return found;
}

addExtension({
  Class: Extension,
  type: extensionType,
  pack: (extension: Extension) => extension.bytes as Buffer,
  unpack: decode,
});
