// The door of the wire contracts: encode and decode a frame, and the types of what is in it.
import { astune } from "./gen/runtime.js";

/** A message as it is written: any field may be left out. */
export type FrameProperties = astune.runtime.Frame.$Properties;
export type ValueProperties = astune.runtime.Value.$Properties;
export type FailureProperties = astune.runtime.Failure.$Properties;

/** A reply as it is read: `outcome` says which of its fields is set. */
export type DecodedReply = astune.runtime.Reply.$Shape & { readonly callId: number };

/** A call as it is read. Fields left out are on its prototype: do not spread it. */
export type DecodedCall = astune.runtime.Call;

/** A frame as it is read: scalars and lists are always there. */
export interface DecodedFrame {
  readonly calls: readonly DecodedCall[];
  readonly cancels: readonly astune.runtime.Cancel[];
  readonly consumed: readonly astune.runtime.Consumed[];
  readonly replies: readonly DecodedReply[];
}

export function encodeFrame(frame: FrameProperties): Uint8Array {
  return astune.runtime.Frame.encode(frame).finish();
}

/** Throws where the bytes are not a frame. */
export function decodeFrame(bytes: Uint8Array): DecodedFrame {
  // The generated types allow null everywhere; decoding never leaves it.
  return astune.runtime.Frame.decode(bytes) as unknown as DecodedFrame;
}
