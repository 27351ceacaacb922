// The channel through real frames: what one turn of the event loop sends is one frame, encoded, decoded and only then
// delivered. Both ends are in this process, so what a frame's descriptors stand for is found in the frame's own luggage;
// everything else is as it is between processes.
import {
  type CallMessage,
  type Channel,
  type Companions,
  decodeCall,
  deliverReply,
  type Endpoints,
  encodeCall,
  encodeReply,
  type Outcome,
  type Turns,
} from "../calls/index.ts";
import { makeHandle, ObjectRef, slotOf, targetOf } from "../core/index.ts";
import {
  type ActorDescriptor,
  decodeFrame,
  encodeFrame,
  isReply,
  kind,
  type Message,
  type ObjectDescriptor,
} from "../wire/index.ts";

/** The references and handles that are on their way in a frame. */
class Luggage implements Companions {
  readonly #objects = new Map<string, ObjectRef>();
  readonly #actors = new Map<string, object>();

  describeObject(ref: ObjectRef): ObjectDescriptor {
    this.#objects.set(ref.id, ref);
    return [ref.id, ""];
  }

  describeActor(handle: object): ActorDescriptor {
    const target = targetOf(handle);
    if (!target) throw new Error("a handle lost its actor");
    this.#actors.set(target.actorId, handle);
    return [target.actorId, null];
  }

  object([id]: ObjectDescriptor): ObjectRef {
    return new ObjectRef(slotOf(found(this.#objects, id)));
  }

  actor([id]: ActorDescriptor): object {
    const target = targetOf(found(this.#actors, id));
    if (!target) throw new Error(`actor ${id} is not in the frame's luggage`);
    return makeHandle(target);
  }

  stored(): never {
    throw new Error("the local runtime has no object store");
  }
}

export class WireChannel implements Channel {
  readonly #endpoints: Endpoints;
  readonly #turns: Turns;
  #messages: Message[] = [];
  #luggage = new Luggage();

  constructor(endpoints: Endpoints, turns: Turns) {
    this.#endpoints = endpoints;
    this.#turns = turns;
  }

  call(message: CallMessage): void {
    this.#send(encodeCall(message, this.#luggage));
  }

  cancel(hostId: string, callId: number, recursive: boolean): void {
    this.#send([kind.cancel, hostId, callId, recursive]);
  }

  consumed(hostId: string, callId: number, count: number): void {
    this.#send([kind.consumed, hostId, callId, count]);
  }

  reply(callId: number, outcome: Outcome): void {
    this.#send(encodeReply(callId, outcome, this.#luggage));
  }

  #send(message: Message): void {
    if (this.#messages.push(message) === 1) this.#turns.add(() => this.#flush());
  }

  #flush(): void {
    const messages = this.#messages;
    const luggage = this.#luggage;
    this.#messages = [];
    this.#luggage = new Luggage();
    for (const message of decodeFrame(encodeFrame(messages))) this.#deliver(message, luggage);
  }

  #deliver(message: Message, luggage: Luggage): void {
    const { hosts } = this.#endpoints;
    switch (message[0]) {
      case kind.call:
        hosts.get(message[2])?.receive(decodeCall(message, luggage));
        break;
      case kind.cancel:
        hosts.get(message[1])?.cancel(message[2], message[3] ?? true);
        break;
      case kind.consumed:
        hosts.get(message[1])?.consumed(message[2], message[3]);
        break;
      default:
        if (isReply(message)) deliverReply(message, this.#endpoints, luggage);
        else throw new Error(`a message of kind ${message[0]} has no place in the local runtime`);
    }
  }
}

function found<T>(luggage: ReadonlyMap<string, T>, id: string): T {
  const item = luggage.get(id);
  if (item === undefined) throw new Error(`${id} is not in the frame's luggage`);
  return item;
}
