// Arrays of numbers on the wire: element type, shape and raw little-endian bytes, the same for typed arrays here and for
// numpy arrays in Python.

/** Any of JavaScript's typed arrays. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

interface TypedArrayClass {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray;
}

/** numpy's names; `u1c` is the clamped array. Half precision has no array of its own here: its bits come as Uint16Array. */
const classes: Readonly<Record<string, TypedArrayClass>> = {
  i1: Int8Array,
  u1: Uint8Array,
  u1c: Uint8ClampedArray,
  b1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  f2: Uint16Array,
  bf16: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  f4: Float32Array,
  f8: Float64Array,
};

/** The wire's name for a typed array's elements. */
export function dtypeOf(array: TypedArray): string {
  const found = Object.entries(classes).find(([, Class]) => array.constructor === Class);
  if (!found) throw new TypeError(`${array.constructor.name} has no element type on the wire`);
  return found[0];
}

/** An array of more than one dimension, or of an element type that JavaScript has no array for. Row-major. */
export class Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: TypedArray;

  constructor(dtype: string, shape: readonly number[], data: TypedArray) {
    const Class = classes[dtype];
    if (!Class || !(data instanceof (Class as unknown as new () => TypedArray))) {
      throw new TypeError(`a tensor of ${dtype} cannot hold a ${data.constructor.name}`);
    }
    const count = shape.reduce((product, size) => product * size, 1);
    if (count !== data.length)
      throw new RangeError(`shape [${shape.join(", ")}] has ${count} elements, data ${data.length}`);
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }
}

/** A tensor's form without its bytes: length of dtype, dtype, number of dimensions, each as u32. */
export function encodeForm(dtype: string, shape: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 + dtype.length + 4 * shape.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, dtype.length);
  for (let i = 0; i < dtype.length; i += 1) view.setUint8(1 + i, dtype.charCodeAt(i));
  view.setUint8(1 + dtype.length, shape.length);
  for (const [i, size] of shape.entries()) {
    if (size > 0xffff_ffff) throw new RangeError(`a dimension of ${size} elements is too long for the wire`);
    view.setUint32(2 + dtype.length + 4 * i, size, true);
  }
  return bytes;
}

/** Form and bytes. */
export function encodeTensor(dtype: string, shape: readonly number[], data: TypedArray): Uint8Array {
  const form = encodeForm(dtype, shape);
  const bytes = new Uint8Array(form.byteLength + data.byteLength);
  bytes.set(form);
  bytes.set(bytesOf(data), form.byteLength);
  return bytes;
}

/** A typed array where there is one for the element type and it has one dimension, else a Tensor. Always a copy. */
export function decodeTensor(bytes: Uint8Array): TypedArray | Tensor {
  const form = decodeForm(bytes);
  return tensorOver(form, new Uint8Array(bytes.subarray(form.formBytes)));
}

/** An element type, a shape, and how long they are on the wire. */
export interface Form {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly formBytes: number;
}

/** Reads what encodeForm() wrote at the start of `bytes`. */
export function decodeForm(bytes: Uint8Array): Form {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameLength = view.getUint8(0);
  const dtype = String.fromCharCode(...bytes.subarray(1, 1 + nameLength));
  const rank = view.getUint8(1 + nameLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(2 + nameLength + 4 * i, true));
  return { dtype, shape, formBytes: 2 + nameLength + 4 * rank };
}

/** The tensor of this form directly over `memory`, which must have its length; copied only where it is not aligned. */
export function tensorOver({ dtype, shape }: Form, memory: Uint8Array): TypedArray | Tensor {
  const Class = classes[dtype];
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Class || count * Class.BYTES_PER_ELEMENT !== memory.byteLength) {
    throw new RangeError(
      `an array of ${dtype} with shape [${shape.join(", ")}] does not fit ${memory.byteLength} bytes`,
    );
  }
  const aligned = memory.byteOffset % Class.BYTES_PER_ELEMENT === 0 ? memory : new Uint8Array(memory);
  const data = new Class(aligned.buffer as ArrayBuffer, aligned.byteOffset, count);
  return shape.length === 1 && dtypeOf(data) === dtype ? data : new Tensor(dtype, shape, data);
}

/** The bytes that a typed array shows, without a copy. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
