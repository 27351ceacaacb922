// Calls and answers as messages of a frame, and back. What references and handles inside a value become is the business
// of whoever sends and receives: within one process, or between two.
import { type ObjectRef, TaskNumber } from "../core/index.ts";
import { RayError } from "../errors/index.ts";
import {
  type ActorDescriptor,
  type CallOnWire,
  decodeFailure,
  encodeFailure,
  kind,
  type ObjectDescriptor,
  type ReplyOnWire,
  type StoredAt,
  type ValueOnWire,
} from "../wire/index.ts";
import type { Packed } from "./carrier.ts";
import type { CallMessage, Endpoints, Outcome } from "./channel.ts";
import { WireValue } from "./wire-carrier.ts";

/** Makes descriptors of references and handles, and references and handles of descriptors. */
export interface Companions {
  describeObject(ref: ObjectRef): ObjectDescriptor;
  describeActor(handle: object): ActorDescriptor;
  object(descriptor: ObjectDescriptor): ObjectRef;
  actor(descriptor: ActorDescriptor): object;
  /** A value that lies in an object store. */
  stored(at: StoredAt, value: WireValue): Packed;
}

export function encodePacked(packed: Packed, companions: Companions): ValueOnWire {
  const { data, objects, actors, storedAt } = packed as WireValue;
  if (objects.length === 0 && actors.length === 0 && storedAt === undefined) return data;
  const described = objects.map((ref) => companions.describeObject(ref));
  const handles = actors.map((handle) => companions.describeActor(handle));
  return storedAt === undefined ? [data, described, handles] : [data, described, handles, storedAt];
}

export function decodePacked(value: ValueOnWire, companions: Companions): Packed {
  if (value instanceof Uint8Array) return new WireValue({ data: value, objects: [], actors: [] });
  checkBeside(value);
  const [data, objects, actors, at] = value;
  const decoded = new WireValue({
    data,
    objects: objects.map((descriptor) => companions.object(descriptor)),
    actors: actors.map((descriptor) => companions.actor(descriptor)),
  });
  return at === undefined ? decoded : companions.stored(at, decoded);
}

/** What lies beside a value is used long after the message: what is no descriptor must end here, with its session. */
function checkBeside([data, objects, actors, at]: Exclude<ValueOnWire, Uint8Array>): void {
  const isText = (value: unknown): boolean => typeof value === "string";
  const isObject = (one: unknown): boolean => Array.isArray(one) && one.length === 2 && one.every(isText);
  const isActor = (one: unknown): boolean => Array.isArray(one) && isText(one[0]);
  const isStored = at === undefined || (isText(at[0]) && isText(at[1]) && Number.isSafeInteger(at[2]) && at[2] >= 0);
  if (data instanceof Uint8Array && objects.every(isObject) && actors.every(isActor) && isStored) return;
  throw new RangeError("a value arrived with something beside it that is no reference, handle or place");
}

/** A call may say how many values it gives; an array of so many references is still one that can be made. */
const mostReturns = 1_000_000;

const noArgs: readonly never[] = [];

export function encodeCall(message: CallMessage, companions: Companions): CallOnWire {
  const { callId, hostId, method, lane, numReturns, streaming, backpressure } = message;
  const args = message.args.length === 0 ? noArgs : message.args.map((arg) => encodePacked(arg, companions));
  return [kind.call, callId, hostId, method, args, lane, numReturns, streaming, backpressure];
}

/** `processId`: of the caller; the task is named by it and the call's number. `number`: the call's number here. */
export function decodeCall(call: CallOnWire, companions: Companions, processId?: string, number?: number): CallMessage {
  const [, callId, hostId, method, args, lane, numReturns, streaming, backpressure] = call;
  const isCall =
    typeof callId === "number" &&
    typeof method === "string" &&
    typeof lane === "string" &&
    typeof streaming === "boolean" &&
    typeof backpressure === "number" &&
    numReturns >= 0 &&
    numReturns <= mostReturns;
  if (!isCall) throw new RangeError("a call arrived whose fields are not a call's");
  return {
    callId: number ?? callId,
    hostId,
    method,
    args: args.length === 0 ? noArgs : args.map((arg) => decodePacked(arg, companions)),
    task: new TaskNumber(callId, processId),
    lane,
    numReturns,
    streaming,
    backpressure,
  };
}

export function encodeReply(callId: number, outcome: Outcome, companions: Companions): ReplyOnWire {
  switch (outcome.kind) {
    case "values":
      return [kind.values, callId, outcome.values.map((value) => encodePacked(value, companions))];
    case "item":
      return [kind.item, callId, encodePacked(outcome.value, companions)];
    case "end":
      return [kind.end, callId];
    case "threw": {
      const { functionName, taskId, actorId = "" } = outcome.facts;
      return [kind.threw, callId, encodeFailure(outcome.error), functionName, taskId, actorId];
    }
    case "failed":
      return [kind.failed, callId, encodeFailure(outcome.error)];
  }
}

/** Hands an answer to the call that it is for; one that is done hears no more. */
export function deliverReply(reply: ReplyOnWire, { callers }: Endpoints, companions: Companions): void {
  callers.get(reply[1])?.answer(decodeReply(reply, companions));
}

function decodeReply(reply: ReplyOnWire, companions: Companions): Outcome {
  switch (reply[0]) {
    case kind.values:
      return { kind: "values", values: reply[2].map((value) => decodePacked(value, companions)) };
    case kind.item:
      return { kind: "item", value: decodePacked(reply[2], companions) };
    case kind.end:
      return { kind: "end" };
    case kind.threw: {
      const [, , failure, functionName, taskId, actorId] = reply;
      const facts = actorId === "" ? { functionName, taskId } : { functionName, taskId, actorId };
      return { kind: "threw", error: decodeFailure(failure), facts };
    }
    case kind.failed: {
      const error = decodeFailure(reply[2]);
      return { kind: "failed", error: error instanceof RayError ? error : new RayError(String(error)) };
    }
  }
}
