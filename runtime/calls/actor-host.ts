// One incarnation of an actor: the instance, the lanes its calls queue in, the calls that run. It knows its caller only
// as a channel, so that it would be the same behind a wire.
import { type MethodTable, runInContext, runSynchronously, type TaskId, type UserClass } from "../core/index.ts";
import { ActorDiedError, AsyncioActorExit, type RayError } from "../errors/index.ts";
import { CallContext, type HostFacts } from "./call-context.ts";
import type { Carrier, Packed } from "./carrier.ts";
import type { CallMessage, Channel, Host, Outcome } from "./channel.ts";
import type { CallObserver } from "./execution.ts";
import { Lane } from "./lane.ts";
import { runCall } from "./run-call.ts";
import type { RunningStream } from "./running-stream.ts";

export const defaultLane = "";

export interface ActorHostOptions {
  readonly Class: UserClass;
  readonly table: MethodTable;
  readonly facts: HostFacts;
  readonly maxConcurrency: number;
  readonly concurrencyGroups: Readonly<Record<string, number>>;
  readonly carrier: Carrier;
  readonly channel: Channel;
  readonly observer?: CallObserver | undefined;
  /** The process serves this actor alone, and resides in its context. */
  readonly alone?: boolean;
  /** The actor wants to end: `exitActor()` or `__ray_terminate__`. */
  onExit(): void;
}

interface Running {
  readonly context: CallContext;
  stream?: RunningStream | undefined;
}

type Disposable = { [Symbol.asyncDispose]?(): PromiseLike<void>; [Symbol.dispose]?(): void };

export class ActorHost implements Host {
  readonly #options: ActorHostOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Map<number, Running>();
  /** Of methods, in full. */
  readonly #names = new Map<string, string>();
  #instance: object | undefined;
  #stopped = false;
  #exiting = false;
  #idle: (() => void)[] = [];

  constructor(options: ActorHostOptions) {
    this.#options = options;
    const start = (message: CallMessage) => this.#start(message);
    this.#lanes.set(defaultLane, new Lane(options.maxConcurrency, start));
    for (const [name, limit] of Object.entries(options.concurrencyGroups))
      this.#lanes.set(name, new Lane(limit, start));
  }

  /** Runs the constructor; throws what it throws. */
  construct(taskId: TaskId, args: readonly Packed[]): void {
    const { Class, table, facts, carrier, alone } = this.#options;
    const context = new CallContext(facts, { taskId }, `${table.className}.constructor`);
    const run = alone === true ? runSynchronously : runInContext;
    this.#instance = run(context, () => new Class(...args.map((arg) => carrier.unpack(arg))));
  }

  receive(message: CallMessage): void {
    if (!this.#stopped) this.#lanes.get(message.lane)?.add(message);
  }

  cancel(callId: number, recursive: boolean): boolean {
    for (const lane of this.#lanes.values()) if (lane.drop(callId)) return false;
    const running = this.#running.get(callId);
    running?.context.cancel(recursive);
    running?.stream?.close();
    return running !== undefined;
  }

  consumed(callId: number, count: number): void {
    this.#running.get(callId)?.stream?.consumed(count);
  }

  /** Tells the running calls, through their signals, that they should end. */
  abortRunning(): void {
    for (const { context, stream } of this.#running.values()) {
      context.abort(new DOMException("the actor is ending", "AbortError"));
      stream?.close();
    }
  }

  /** Ends at once: nothing queued starts, what runs is told by its signal and no longer listened to. */
  stop(): void {
    this.#stopped = true;
    for (const lane of this.#lanes.values()) lane.clear();
    this.abortRunning();
  }

  /** Starts nothing more, waits for what runs, then disposes of the instance if its class says how. */
  async drain(): Promise<void> {
    for (const lane of this.#lanes.values()) lane.clear();
    this.#stopped = true;
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    const instance = this.#instance as Disposable | undefined;
    const dispose = instance?.[Symbol.asyncDispose] ?? instance?.[Symbol.dispose];
    if (dispose) await dispose.call(instance);
  }

  #start(message: CallMessage): void {
    const { carrier, channel, facts, table } = this.#options;
    const lane = this.#lanes.get(message.lane) as Lane;
    const context = new CallContext(facts, message.task, this.#nameOf(message.method));
    const running: Running = { context };
    this.#running.set(message.callId, running);
    let ended = false;
    running.stream = runCall({
      message,
      context,
      carrier,
      observer: this.#options.observer,
      synchronous: this.#options.alone === true && table.methods.get(message.method)?.kind === "sync",
      invoke: (args) => this.#invoke(message.method, args),
      intercept: (error) => this.#intercept(error),
      reply: (outcome) => channel.reply(message.callId, outcome),
      finished: () => {
        if (ended) return;
        ended = true;
        this.#running.delete(message.callId);
        lane.ended();
        if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
      },
    });
  }

  #nameOf(method: string): string {
    let name = this.#names.get(method);
    if (name === undefined) {
      name = `${this.#options.table.className}.${method}`;
      this.#names.set(method, name);
    }
    return name;
  }

  #invoke(method: string, args: unknown[]): unknown {
    if (method === "__ray_ready__") return true;
    if (method === "__ray_terminate__") {
      this.exit();
      return undefined;
    }
    const instance = this.#instance as Record<string, (...args: unknown[]) => unknown>;
    return (instance[method] as (...args: unknown[]) => unknown)(...args);
  }

  /** The actor ends of its own will, once the running calls have. */
  exit(): void {
    if (this.#exiting) return;
    this.#exiting = true;
    for (const lane of this.#lanes.values()) lane.clear();
    this.#stopped = true;
    this.#options.onExit();
  }

  /** Leaving with `exitActor()` is not an error of the code. */
  #intercept(error: unknown): Outcome | undefined {
    if (!(error instanceof AsyncioActorExit)) return undefined;
    const { facts, table } = this.#options;
    const died: RayError = new ActorDiedError(`${table.className} left with exitActor()`, {
      actorId: facts.actorId as string,
      className: table.className,
      actorName: facts.actorName,
    });
    return { kind: "failed", error: died };
  }
}
