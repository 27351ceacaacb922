// What is in a packet's frame: a msgpack array of messages, each an array that begins with its kind. Processes in any
// language read it with plain msgpack.
//
//   kind            fields after it
//   1  call         call id, host id, method, arguments, lane, number of results, streaming, backpressure
//   2  values       call id, values                         a call's results
//   3  item         call id, value                          one value of a stream
//   4  end          call id                                 a stream is over
//   5  threw        call id, failure, function name, task id, actor id
//   6  failed       call id, failure                        the runtime itself refuses
//   7  cancel       host id, call id, recursive            also what the call has called; true where it is absent
//   8  consumed     host id, call id, count                 so many more items of a stream were taken
//   9  request      request id, method, payload             a question to head, node agent or host
//  10  response     request id, payload
//  11  refused      request id, failure
//  12  event        topic, payload                          no answer is expected
//
// A value is its bytes (runtime/wire/value-codec.ts); with references or handles in it an array of bytes, object
// descriptors and actor descriptors; one that lies in an object store has its location as fourth element.
import { Packr } from "msgpackr";
import type { FailureData } from "./failure-codec.ts";

export const kind = {
  call: 1,
  values: 2,
  item: 3,
  end: 4,
  threw: 5,
  failed: 6,
  cancel: 7,
  consumed: 8,
  request: 9,
  response: 10,
  refused: 11,
  event: 12,
} as const;

/** A reference inside a value: its id, and the address of the process that owns it. */
export type ObjectDescriptor = readonly [objectId: string, owner: string];

/** A handle inside a value: its actor's id, and what a handle must know of the actor (`describeHandle`). */
export type ActorDescriptor = readonly [actorId: string, info: unknown];

/** Where a value too large for a frame lies: in the store of the node whose agent is at this address. */
export type StoredAt = readonly [objectId: string, agent: string, bytes: number];

export type ValueOnWire =
  | Uint8Array
  | readonly [Uint8Array, readonly ObjectDescriptor[], readonly ActorDescriptor[]]
  | readonly [Uint8Array, readonly ObjectDescriptor[], readonly ActorDescriptor[], StoredAt];

export type CallOnWire = readonly [
  kind: typeof kind.call,
  callId: number,
  hostId: string,
  method: string,
  args: readonly ValueOnWire[],
  lane: string,
  numReturns: number,
  streaming: boolean,
  backpressure: number,
];

export type ReplyOnWire =
  | readonly [kind: typeof kind.values, callId: number, values: readonly ValueOnWire[]]
  | readonly [kind: typeof kind.item, callId: number, value: ValueOnWire]
  | readonly [kind: typeof kind.end, callId: number]
  | readonly [
      kind: typeof kind.threw,
      callId: number,
      failure: FailureData,
      functionName: string,
      taskId: string,
      actorId: string,
    ]
  | readonly [kind: typeof kind.failed, callId: number, failure: FailureData];

/** Whether a message is an answer to a call, or a part of one. */
export function isReply(message: Message): message is ReplyOnWire {
  return message[0] >= kind.values && message[0] <= kind.failed;
}

export type Message =
  | CallOnWire
  | ReplyOnWire
  | readonly [kind: typeof kind.cancel, hostId: string, callId: number, recursive?: boolean]
  | readonly [kind: typeof kind.consumed, hostId: string, callId: number, count: number]
  | readonly [kind: typeof kind.request, requestId: number, method: string, payload: unknown]
  | readonly [kind: typeof kind.response, requestId: number, payload: unknown]
  | readonly [kind: typeof kind.refused, requestId: number, failure: FailureData]
  | readonly [kind: typeof kind.event, topic: string, payload: unknown];

const options = { useRecords: false, variableMapSize: true, int64AsType: "auto" };
const packr = new Packr(options as unknown as ConstructorParameters<typeof Packr>[0]);

export function encodeFrame(messages: readonly Message[]): Buffer {
  return packr.pack(messages);
}

/** The messages. Bytes in them lie over `frame`. Throws RangeError where the bytes are no frame. */
export function decodeFrame(frame: Uint8Array): Message[] {
  let messages: unknown;
  try {
    messages = packr.unpack(frame as Buffer);
  } catch (error) {
    throw new RangeError(`bytes that are not msgpack arrived: ${String(error)}`);
  }
  if (!Array.isArray(messages) || messages.some((one) => !Array.isArray(one) || typeof one[0] !== "number")) {
    throw new RangeError("a frame that is not an array of messages arrived");
  }
  return messages as Message[];
}
