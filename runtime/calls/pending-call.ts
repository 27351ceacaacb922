// One call as its caller keeps it, from `.remote()` until its references are settled: what it gives back, how often it
// may be made again, how it is cancelled.
import {
  type CancelOptions,
  type CompiledCallOptions,
  currentContext,
  type ExecutionContext,
  ObjectRef,
  ObjectRefGenerator,
  type TaskId,
  TaskNumber,
  taskIdOf,
} from "../core/index.ts";
import { InvalidOptionError, RayError, RayTaskError, TaskCancelledError } from "../errors/index.ts";
import type { CallArguments } from "./call-arguments.ts";
import type { Carrier, Packed } from "./carrier.ts";
import type { Caller, CallMessage, Channel, Endpoints, Outcome } from "./channel.ts";
import { ObjectEntry } from "./object-entry.ts";
import { StreamBuffer } from "./stream-buffer.ts";

export interface CallFacts {
  readonly functionName: string;
  readonly method: string;
  readonly lane: string;
  /** The code is a generator: the call streams unless its options say otherwise. */
  readonly generator: boolean;
  readonly options: CompiledCallOptions;
}

/** What the owner of a call (an actor's client, or the task runner) does when something happens to it. */
export interface CallOwner {
  readonly endpoints: Endpoints;
  readonly channel: Channel;
  readonly carrier: Carrier;
  /** The call threw something that its options say to retry. */
  retry(call: PendingCall): void;
  /** The call is answered, failed or cancelled, and will not be heard of again. */
  finished(call: PendingCall): void;
  /** Ends the process that runs the call. Absent where a process is not the call's own: an actor's. */
  forceEnd?(call: PendingCall): void;
}

let lastCallId = 0;

export class PendingCall implements Caller {
  readonly callId: number;
  readonly facts: CallFacts;
  readonly args: CallArguments;
  readonly submitter: string;
  /** What `.remote()` gives: an ObjectRef, several, or an ObjectRefGenerator. */
  readonly result: unknown;
  readonly #owner: CallOwner;
  readonly #outputs: ObjectEntry[];
  readonly #stream: StreamBuffer | undefined;
  readonly #parent: ExecutionContext["children"] | undefined;
  readonly #streaming: boolean;
  #retriesLeft: number;
  #hostId: string | undefined;
  #done = false;
  #cancelled = false;

  constructor(facts: CallFacts, args: CallArguments, owner: CallOwner) {
    lastCallId = (lastCallId % 0xffff_ffff) + 1;
    this.callId = lastCallId;
    this.facts = facts;
    this.args = args;
    const context = currentContext();
    this.submitter = context?.submitter ?? "driver";
    this.#parent = context?.children;
    this.#owner = owner;
    const { numReturns } = facts.options;
    this.#streaming = numReturns === "streaming" || (facts.generator && numReturns === undefined);
    this.#retriesLeft = facts.options.retries;
    const count = typeof numReturns === "number" ? numReturns : 1;
    this.#outputs = [];
    if (this.#streaming) {
      this.#stream = new StreamBuffer(owner.carrier, {
        taken: (n) => this.#hostId !== undefined && owner.channel.consumed(this.#hostId, this.callId, n),
        closed: () => this.cancel({}),
      });
      this.result = new ObjectRefGenerator(this.#stream);
    } else {
      for (let i = 0; i < count; i += 1) this.#outputs.push(new ObjectEntry(owner.carrier, this));
      const [only] = this.#outputs;
      this.result = count === 1 && only ? new ObjectRef(only) : this.#outputs.map((entry) => new ObjectRef(entry));
    }
    this.#parent?.add(this);
  }

  get taskId(): TaskId {
    return taskIdOf(this.callId);
  }

  /** It is with a host. */
  get sent(): boolean {
    return this.#hostId !== undefined;
  }

  get done(): boolean {
    return this.#done;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Sends the call to a host. Its arguments must be ready. */
  send(hostId: string): void {
    this.#hostId = hostId;
    const { method, lane, options } = this.facts;
    const message: CallMessage = {
      callId: this.callId,
      hostId,
      method,
      args: this.args.values(),
      task: new TaskNumber(this.callId),
      lane,
      numReturns: this.#outputs.length,
      streaming: this.#streaming,
      backpressure: Math.max(0, options.backpressure),
    };
    this.#owner.endpoints.callers.set(this.callId, this);
    try {
      this.#owner.channel.call(message);
    } catch (error) {
      // A handle or reference among the arguments that cannot leave this process.
      if (!(error instanceof RayError)) throw error;
      this.fail(error);
    }
  }

  answer(outcome: Outcome): void {
    if (this.#done) return;
    switch (outcome.kind) {
      case "item":
        this.#stream?.push(outcome.value);
        return;
      case "values":
        this.#finish();
        for (let index = 0; index < outcome.values.length; index += 1) {
          this.#outputs[index]?.fulfil(outcome.values[index] as Packed);
        }
        return;
      case "end":
        this.#finish();
        this.#stream?.end();
        return;
      case "failed":
        this.fail(outcome.error);
        return;
      case "threw": {
        const error = RayTaskError.from(outcome.error, outcome.facts);
        if (this.#mayRetry(error)) {
          this.detach();
          this.#owner.retry(this);
        } else {
          this.fail(error);
        }
      }
    }
  }

  /** Fails all references of the call. */
  fail(error: unknown): void {
    if (this.#done) return;
    this.#finish();
    for (const entry of this.#outputs) entry.fail(error);
    this.#stream?.end({ error });
  }

  /** Uses up one retry after the death of its host; false if none is left. A stream is not retried: items are out. */
  useRetry(): boolean {
    if (this.#retriesLeft === 0 || this.#streaming) return false;
    if (this.#retriesLeft > 0) this.#retriesLeft -= 1;
    return true;
  }

  /** Hears no more of the host it was sent to. */
  detach(): void {
    this.#owner.endpoints.callers.delete(this.callId);
    this.#hostId = undefined;
  }

  /** Throws InvalidOptionError for `force` where the process is not the call's own. */
  cancel({ force = false, recursive = true }: CancelOptions): void {
    if (this.#done) return;
    const { functionName } = this.facts;
    if (force && !this.#owner.forceEnd) {
      throw InvalidOptionError.of(
        "force",
        `false for ${functionName}, an actor's method (kill() ends an actor)`,
        force,
      );
    }
    this.#cancelled = true;
    if (this.#hostId !== undefined) this.#owner.channel.cancel(this.#hostId, this.callId, recursive);
    if (force) this.#owner.forceEnd?.(this);
    this.fail(new TaskCancelledError(`${functionName} was cancelled`, { taskId: this.taskId }));
  }

  #mayRetry(error: RayTaskError): boolean {
    const { retryExceptions } = this.facts.options;
    const wanted = Array.isArray(retryExceptions)
      ? retryExceptions.some((Class) => error instanceof Class)
      : retryExceptions === true;
    return wanted && this.useRetry();
  }

  #finish(): void {
    this.#done = true;
    this.#owner.endpoints.callers.delete(this.callId);
    this.#parent?.delete(this);
    this.#owner.finished(this);
  }
}
