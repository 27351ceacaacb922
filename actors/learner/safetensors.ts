/** The safetensors format: an 8-byte length, a JSON header, raw little-endian tensors. Reads and writes typed arrays. */

import { readFile, writeFile } from "node:fs/promises";

const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const;

/** The dtypes that have a typed array. */
export type Dtype = keyof typeof ARRAYS;
/** An array that a tensor is made of. */
export type TensorData = Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** A tensor, row by row. */
export interface Tensor {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** A file that is not safetensors, or holds a dtype without a typed array. */
export class SafetensorsError extends Error {
  readonly code = "SAFETENSORS_INVALID";

  constructor(message: string) {
    super(message);
    this.name = "SafetensorsError";
  }
}

function dtypeOf(data: TensorData): Dtype {
  for (const [name, type] of Object.entries(ARRAYS)) if (data instanceof type) return name as Dtype;
  throw new SafetensorsError(`no dtype for ${data.constructor.name}`);
}

/** The bytes of a safetensors file; widest types first, so that every tensor is aligned. */
export function encodeSafetensors(tensors: Readonly<Record<string, Tensor>>): Buffer {
  const entries = Object.entries(tensors).sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const header: Record<string, HeaderEntry> = {};
  let offset = 0;
  for (const [name, { data, shape }] of entries) {
    if (shape.reduce((a, b) => a * b, 1) !== data.length)
      throw new SafetensorsError(`${name}: shape [${shape}] does not hold ${data.length} values`);
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  head.writeBigUInt64LE(BigInt(head.length - 8));
  json.copy(head, 8);
  return Buffer.concat([head, ...entries.map(([, { data: d }]) => Buffer.from(d.buffer, d.byteOffset, d.byteLength))]);
}

/** The tensors of a safetensors file's bytes, each in an array of its own. */
export function decodeSafetensors(bytes: Uint8Array): Record<string, Tensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Number.POSITIVE_INFINITY;
  if (8 + length > bytes.length) throw new SafetensorsError(`the header does not fit into ${bytes.length} bytes`);
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as Record<string, HeaderEntry>;
  const tensors: Record<string, Tensor> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const type = ARRAYS[entry.dtype as Dtype];
    if (!type) throw new SafetensorsError(`${name}: no typed array for dtype ${entry.dtype}`);
    const [start, end] = entry.data_offsets;
    if (8 + length + end > bytes.length) throw new SafetensorsError(`${name}: the file ends before its data`);
    const own = bytes.slice(8 + length + start, 8 + length + end);
    tensors[name] = {
      data: new type(own.buffer, own.byteOffset, (end - start) / type.BYTES_PER_ELEMENT),
      shape: entry.shape,
    };
  }
  return tensors;
}

/** Writes a safetensors file. */
export async function writeSafetensors(path: string, tensors: Readonly<Record<string, Tensor>>): Promise<void> {
  await writeFile(path, encodeSafetensors(tensors));
}

/** Reads a safetensors file. */
export async function readSafetensors(path: string): Promise<Record<string, Tensor>> {
  return decodeSafetensors(await readFile(path));
}
