// Values and errors as bytes.
export { decodeFailure, encodeFailure, type FailureData } from "./failure-codec.ts";
export {
  type ActorDescriptor,
  type CallOnWire,
  decodeFrame,
  encodeFrame,
  kind,
  type Message,
  type ObjectDescriptor,
  type ReplyOnWire,
  type StoredAt,
  type ValueOnWire,
} from "./frame.ts";
export { Tensor, type TypedArray } from "./tensor.ts";
export { decodeValue, type EncodedValue, encodeValue } from "./value-codec.ts";
