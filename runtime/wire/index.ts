// Values and errors as bytes.
export { decodeFailure, encodeFailure, type FailureData } from "./failure-codec.ts";
export {
  type ActorDescriptor,
  type CallOnWire,
  decodeFrame,
  encodeFrame,
  isReply,
  kind,
  type Message,
  type ObjectDescriptor,
  type ReplyOnWire,
  type StoredAt,
  type ValueOnWire,
} from "./frame.ts";
export {
  decodeLarge,
  encodeForTransfer,
  encodeLarge,
  inlineLimitBytes,
  type LargeValue,
  type TransferValue,
} from "./large-value.ts";
export { type ObjectParts, type ObjectSections, objectParts, objectSections } from "./object-layout.ts";
export { Tensor, type TypedArray } from "./tensor.ts";
export { decodeValue, type EncodedValue, encodeValue } from "./value-codec.ts";
