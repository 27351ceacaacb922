// Values and errors as bytes.
export { decodeFailure, encodeFailure } from "./failure-codec.ts";
export { Tensor, type TypedArray } from "./tensor.ts";
export { decodeValue, type EncodedValue, encodeValue } from "./value-codec.ts";
