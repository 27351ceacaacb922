// The channel through real frames: what one turn of the event loop sends is one Frame, encoded, decoded and only then
// delivered. Both ends are in this process, so what a frame's descriptors stand for is found in the frame's own luggage;
// everything else is as it will be between processes.
import {
  type DecodedCall,
  type DecodedReply,
  decodeFrame,
  encodeFrame,
  type FrameProperties,
  type ValueProperties,
} from "../../proto/index.ts";
import { makeHandle, ObjectRef, slotOf, type TaskId, targetOf } from "../core/index.ts";
import { RayError } from "../errors/index.ts";
import { decodeFailure, encodeFailure } from "../wire/index.ts";
import type { Packed } from "./carrier.ts";
import type { CallMessage, Channel, Endpoints, Outcome, Turns } from "./channel.ts";
import { WireValue } from "./wire-carrier.ts";

/** The references and handles that are on their way in a frame. */
class Luggage {
  readonly objects = new Map<string, ObjectRef>();
  readonly actors = new Map<string, object>();

  pack(packed: Packed): ValueProperties {
    const { data, objects, actors } = packed as WireValue;
    for (const ref of objects) this.objects.set(ref.id, ref);
    return {
      data,
      objects: objects.map((ref) => ({ objectId: ref.id })),
      actors: actors.map((handle) => {
        const target = targetOf(handle);
        if (!target) throw new Error("a handle lost its actor");
        this.actors.set(target.actorId, handle);
        return { actorId: target.actorId, className: target.table.className };
      }),
    };
  }

  unpack({ data, objects, actors }: ValueProperties): WireValue {
    return new WireValue({
      data: data ?? new Uint8Array(0),
      objects: (objects ?? []).map(({ objectId }) => new ObjectRef(slotOf(found(this.objects, objectId)))),
      actors: (actors ?? []).map(({ actorId }) => {
        const target = targetOf(found(this.actors, actorId));
        if (!target) throw new Error(`actor ${actorId} is not in the frame's luggage`);
        return makeHandle(target);
      }),
    });
  }
}

export class WireChannel implements Channel {
  readonly #endpoints: Endpoints;
  readonly #turns: Turns;
  #frame: Required<FrameProperties> | undefined;
  #luggage = new Luggage();

  constructor(endpoints: Endpoints, turns: Turns) {
    this.#endpoints = endpoints;
    this.#turns = turns;
  }

  call({ args, ...call }: CallMessage): void {
    this.#open().calls.push({ ...call, arguments: args.map((arg) => this.#luggage.pack(arg)) });
  }

  cancel(hostId: string, callId: number): void {
    this.#open().cancels.push({ hostId, callId });
  }

  consumed(hostId: string, callId: number, count: number): void {
    this.#open().consumed.push({ hostId, callId, count });
  }

  reply(callId: number, outcome: Outcome): void {
    this.#open().replies.push({ callId, ...this.#encode(outcome) });
  }

  #open() {
    if (!this.#frame) {
      this.#frame = { calls: [], cancels: [], consumed: [], replies: [], $unknowns: [] };
      this.#turns.add(() => this.#flush());
    }
    return this.#frame as { [K in "calls" | "cancels" | "consumed" | "replies"]: NonNullable<FrameProperties[K]> };
  }

  #flush(): void {
    const frame = this.#frame;
    const luggage = this.#luggage;
    this.#frame = undefined;
    this.#luggage = new Luggage();
    if (frame) this.#deliver(encodeFrame(frame), luggage);
  }

  #deliver(bytes: Uint8Array, luggage: Luggage): void {
    const { calls, cancels, consumed, replies } = decodeFrame(bytes);
    const { hosts, callers } = this.#endpoints;
    for (const call of calls) hosts.get(call.hostId)?.receive(messageOf(call, luggage));
    for (const reply of replies) callers.get(reply.callId)?.answer(this.#decode(reply, luggage));
    for (const { hostId, callId, count } of consumed) hosts.get(hostId)?.consumed(callId, count);
    for (const { hostId, callId } of cancels) hosts.get(hostId)?.cancel(callId);
  }

  #encode(outcome: Outcome) {
    switch (outcome.kind) {
      case "values":
        return { values: { values: outcome.values.map((value) => this.#luggage.pack(value)) } };
      case "item":
        return { item: this.#luggage.pack(outcome.value) };
      case "end":
        return { end: {} };
      case "threw":
        return { threw: { error: encodeFailure(outcome.error), ...outcome.facts } };
      case "failed":
        return { failed: encodeFailure(outcome.error) };
    }
  }

  #decode(reply: DecodedReply, luggage: Luggage): Outcome {
    switch (reply.outcome) {
      case "values":
        return { kind: "values", values: (reply.values.values ?? []).map((value) => luggage.unpack(value)) };
      case "item":
        return { kind: "item", value: luggage.unpack(reply.item) };
      case "end":
        return { kind: "end" };
      case "threw": {
        const { error, functionName, taskId, actorId } = reply.threw;
        const facts = { functionName: functionName ?? "", taskId: taskId ?? "", ...(actorId ? { actorId } : {}) };
        return { kind: "threw", error: decodeFailure(error ?? {}), facts };
      }
      case "failed": {
        const error = decodeFailure(reply.failed);
        return { kind: "failed", error: error instanceof RayError ? error : new RayError(String(error)) };
      }
      default:
        return { kind: "failed", error: new RayError("a reply of an unknown kind arrived") };
    }
  }
}

function found<T>(luggage: ReadonlyMap<string, T>, id: string | null | undefined): T {
  const item = luggage.get(id ?? "");
  if (item === undefined) throw new Error(`${id} is not in the frame's luggage`);
  return item;
}

/** Field by field: a decoded message keeps its defaults on its prototype. */
function messageOf(call: DecodedCall, luggage: Luggage): CallMessage {
  const { callId, hostId, method, lane, numReturns, streaming, backpressure } = call;
  const args = call.arguments.map((arg) => luggage.unpack(arg));
  return { callId, hostId, method, args, taskId: call.taskId as TaskId, lane, numReturns, streaming, backpressure };
}
