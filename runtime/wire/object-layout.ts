// A large value as the bytes of one object of the store. All numbers are little-endian:
//
//    0  u32   magic, "AOB1"
//    4  u32   number of buffers, n
//    8  u32   length of the head
//   12  u32   length of the companions
//   16  n × { u64 offset, u64 length }   the buffers, from the start of the object
//       head: the value as msgpack with extension 0x41, see extension.ts
//       companions: whatever the writer says of the references and handles in the value; not read here
//       the buffers, each at a multiple of 64, zeros between them
import type { LargeValue } from "./large-value.ts";

const magic = 0x3142_4f41;
const fixedBytes = 16;
const alignmentBytes = 64;

/** An object's bytes in the parts they are made of; together they are `totalBytes` long. */
export interface ObjectParts {
  readonly parts: readonly Uint8Array[];
  readonly totalBytes: number;
}

/** An object taken apart. Everything lies over the object's own memory. */
export interface ObjectSections {
  readonly head: Uint8Array;
  readonly companions: Uint8Array;
  readonly buffers: readonly Uint8Array[];
}

/** The parts to be written one after another. No buffer is copied. */
export function objectParts(
  { head, buffers }: Pick<LargeValue, "head" | "buffers">,
  companions: Uint8Array = new Uint8Array(0),
): ObjectParts {
  const table = new DataView(new ArrayBuffer(fixedBytes + 16 * buffers.length));
  for (const [i, value] of [magic, buffers.length, head.byteLength, companions.byteLength].entries()) {
    table.setUint32(4 * i, value, true);
  }
  const parts: Uint8Array[] = [new Uint8Array(table.buffer), head, companions];
  let end = table.byteLength + head.byteLength + companions.byteLength;
  for (const [i, buffer] of buffers.entries()) {
    const offset = Math.ceil(end / alignmentBytes) * alignmentBytes;
    table.setBigUint64(fixedBytes + 16 * i, BigInt(offset), true);
    table.setBigUint64(fixedBytes + 16 * i + 8, BigInt(buffer.byteLength), true);
    parts.push(new Uint8Array(offset - end), buffer);
    end = offset + buffer.byteLength;
  }
  return { parts: parts.filter((part) => part.byteLength > 0), totalBytes: end };
}

/** Throws RangeError where the bytes are no object or are cut short. */
export function objectSections(bytes: Uint8Array): ObjectSections {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < fixedBytes || view.getUint32(0, true) !== magic) {
    throw new RangeError(`${bytes.byteLength} bytes that are no stored object`);
  }
  const count = view.getUint32(4, true);
  const part = (offset: number, length: number): Uint8Array => {
    if (offset + length > bytes.byteLength) {
      throw new RangeError(
        `a stored object of ${bytes.byteLength} bytes is cut short: a part ends at ${offset + length}`,
      );
    }
    return bytes.subarray(offset, offset + length);
  };
  const headAt = fixedBytes + 16 * count;
  const head = part(headAt, view.getUint32(8, true));
  const companions = part(headAt + head.byteLength, view.getUint32(12, true));
  const buffers = Array.from({ length: count }, (_, i) =>
    part(
      Number(view.getBigUint64(fixedBytes + 16 * i, true)),
      Number(view.getBigUint64(fixedBytes + 16 * i + 8, true)),
    ),
  );
  return { head, companions, buffers };
}
