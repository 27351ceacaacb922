// What passes between callers and hosts (an actor's instance, or a task), and the direct way for it: all messages of one
// turn of the event loop are delivered in the next, as they would be by one frame on a wire.

import type { TaskNumber } from "../core/index.ts";
import type { RayError, TaskErrorFacts } from "../errors/index.ts";
import type { Packed } from "./carrier.ts";

export interface CallMessage {
  readonly callId: number;
  readonly hostId: string;
  readonly method: string;
  readonly args: readonly Packed[];
  readonly task: TaskNumber;
  readonly lane: string;
  readonly numReturns: number;
  readonly streaming: boolean;
  /** Unread stream items at which the generator pauses; 0 is never. */
  readonly backpressure: number;
}

/** What a host answers. A stream answers with items and then with one of the others. */
export type Outcome =
  | { readonly kind: "values"; readonly values: readonly Packed[] }
  | { readonly kind: "item"; readonly value: Packed }
  | { readonly kind: "end" }
  /** The called code threw. */
  | { readonly kind: "threw"; readonly error: unknown; readonly facts: TaskErrorFacts }
  /** The runtime refuses to go on. */
  | { readonly kind: "failed"; readonly error: RayError };

export interface Host {
  receive(message: CallMessage): void;
  /** `recursive`: also what the call has called. True where the call runs, and will be answered still. */
  cancel(callId: number, recursive: boolean): boolean;
  /** The caller has taken `count` more items of a stream. */
  consumed(callId: number, count: number): void;
}

export interface Caller {
  answer(outcome: Outcome): void;
}

/** Both ends' address book. */
export class Endpoints {
  readonly hosts = new Map<string, Host>();
  readonly callers = new Map<number, Caller>();
}

export interface Channel {
  call(message: CallMessage): void;
  cancel(hostId: string, callId: number, recursive: boolean): void;
  consumed(hostId: string, callId: number, count: number): void;
  reply(callId: number, outcome: Outcome): void;
}

/** Work is done for so long before timers and sockets get their turn. */
const turnMs = 10;

/** Runs things later, in order, in turns of the event loop. */
export class Turns {
  #queue: (() => void)[] = [];
  #scheduled = false;

  add(work: () => void): void {
    this.#queue.push(work);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    const until = performance.now() + turnMs;
    const queue = this.#queue;
    this.#queue = [];
    this.#scheduled = false;
    let index = 0;
    while (index < queue.length) {
      (queue[index] as () => void)();
      index += 1;
      if (index < queue.length && performance.now() > until) {
        this.#queue = [...queue.slice(index), ...this.#queue];
        break;
      }
    }
    if (this.#queue.length > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#run());
    }
  }
}

/** Delivers messages as they are. */
export class DirectChannel implements Channel {
  readonly #endpoints: Endpoints;
  readonly #turns: Turns;

  constructor(endpoints: Endpoints, turns: Turns) {
    this.#endpoints = endpoints;
    this.#turns = turns;
  }

  call(message: CallMessage): void {
    this.#turns.add(() => this.#endpoints.hosts.get(message.hostId)?.receive(message));
  }

  cancel(hostId: string, callId: number, recursive: boolean): void {
    this.#turns.add(() => this.#endpoints.hosts.get(hostId)?.cancel(callId, recursive));
  }

  consumed(hostId: string, callId: number, count: number): void {
    this.#turns.add(() => this.#endpoints.hosts.get(hostId)?.consumed(callId, count));
  }

  reply(callId: number, outcome: Outcome): void {
    this.#endpoints.callers.get(callId)?.answer(outcome);
  }
}
