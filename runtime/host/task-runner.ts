// Runs the tasks that a host process is leased for, one after another.
import {
  CallContext,
  type CallMessage,
  type CallObserver,
  type Host,
  type HostFacts,
  type RunningStream,
  runCall,
} from "../calls/index.ts";
import type { ClusterProcess } from "../cluster/index.ts";
import { type CodeRef, loadCode } from "../code/index.ts";
import type { LeaseStart, StartAnswer } from "../control/index.ts";
import { kindOf, type NodeId, type PlacementGroupId, reside } from "../core/index.ts";
import { RayError, RaySystemError } from "../errors/index.ts";
import type { HostSettings } from "../node/index.ts";
import { encodeFailure } from "../wire/index.ts";
import { enterEnvironment } from "./environment.ts";
import type { TaskLog } from "./task-log.ts";

type Fn = (...args: unknown[]) => unknown;

/** Functions by the name that calls give them; they stay loaded. */
const loaded = new Map<string, Fn | Promise<Fn>>();

export class TaskRunner implements Host {
  readonly #start: LeaseStart;
  readonly #sessionFolder: string;
  readonly #process: ClusterProcess;
  readonly #facts: HostFacts;
  readonly #ended = new AbortController();
  readonly #queue: CallMessage[] = [];
  readonly #tellHead: (topic: "blocked" | "unblocked") => void;
  readonly #observer: CallObserver;
  #running: CallMessage | undefined;
  #context: CallContext | undefined;
  #stream: RunningStream | undefined;
  #blocked = 0;

  constructor(
    start: LeaseStart,
    process: ClusterProcess,
    settings: HostSettings,
    tasks: TaskLog,
    tellHead: (topic: string, payload: unknown) => void,
  ) {
    this.#tellHead = (topic) => tellHead(topic, start.leaseId);
    this.#start = start;
    this.#sessionFolder = settings.sessionFolder;
    this.#process = process;
    this.#observer = tasks.observe({ type: "NORMAL_TASK", jobId: start.jobId, actorId: null });
    this.#facts = {
      nodeId: settings.nodeId as NodeId,
      namespace: start.namespace,
      restarts: 0,
      gpuIds: start.gpuIds,
      resources: start.resources,
      placementGroupId: (start.placementGroupId ?? undefined) as PlacementGroupId | undefined,
      actorSignal: this.#ended.signal,
      block: () => this.#block(),
    };
  }

  async start(): Promise<StartAnswer> {
    try {
      enterEnvironment(this.#start, this.#sessionFolder);
    } catch (error) {
      const known = error as RayError;
      return { failed: { reason: "RUNTIME_ENV", message: known.message, failure: encodeFailure(known) } };
    }
    this.#process.calls.hosts.set(this.#start.leaseId, this);
    return { address: this.#process.address, pid: process.pid };
  }

  receive(message: CallMessage): void {
    this.#queue.push(message);
    if (!this.#running) this.#next();
    else if (this.#blocked > 0) this.#return();
  }

  cancel(callId: number, recursive: boolean): boolean {
    const at = this.#queue.findIndex((message) => message.callId === callId);
    if (at >= 0) this.#queue.splice(at, 1);
    if (this.#running?.callId !== callId) return false;
    this.#context?.cancel(recursive);
    this.#stream?.close();
    return true;
  }

  consumed(callId: number, count: number): void {
    if (this.#running?.callId === callId) this.#stream?.consumed(count);
  }

  /** The lease ends: true where the process is free for others. */
  end(): boolean {
    this.#process.calls.hosts.delete(this.#start.leaseId);
    this.#queue.length = 0;
    return this.#running === undefined;
  }

  async retire(): Promise<void> {
    this.#ended.abort();
  }

  #next(): void {
    const message = this.#queue.shift();
    this.#running = message;
    if (!message) return;
    const fn = loaded.get(message.method) ?? this.#load(message.method);
    if (fn instanceof Promise) {
      fn.then(
        (ready) => this.#run(message, ready),
        (error: unknown) => this.#refuse(message, error),
      );
    } else this.#run(message, fn);
  }

  #run(message: CallMessage, fn: Fn): void {
    const context = new CallContext(this.#facts, message.task, fn.name);
    this.#context = context;
    // One task runs at a time: whatever is not known to be another's is its.
    reside(context);
    let ended = false;
    this.#stream = runCall({
      message,
      context,
      observer: this.#observer,
      carrier: this.#process.carrier,
      synchronous: kindOf(fn) === "sync",
      invoke: (args) => fn(...args),
      reply: (outcome) => this.#process.calls.channel.reply(message.callId, outcome),
      finished: () => {
        if (ended) return;
        ended = true;
        this.#context = undefined;
        this.#stream = undefined;
        this.#next();
      },
    });
  }

  #refuse(message: CallMessage, error: unknown): void {
    const known = error instanceof RayError ? error : new RaySystemError(String(error));
    this.#process.calls.channel.reply(message.callId, { kind: "failed", error: known });
    this.#next();
  }

  #load(method: string): Promise<Fn> {
    const at = method.lastIndexOf("#");
    const colon = method.indexOf(":");
    const root = method.slice(0, colon) as CodeRef["root"];
    const promise = loadCode({ root, path: method.slice(colon + 1, at), name: method.slice(at + 1) }).then((code) => {
      loaded.set(method, code as Fn);
      return code as Fn;
    });
    loaded.set(method, promise);
    promise.catch(() => loaded.delete(method));
    return promise;
  }

  /** The running task waits for others: its CPUs are lent out, and nothing waits behind it. */
  #block(): () => void {
    this.#blocked += 1;
    if (this.#blocked === 1) {
      this.#tellHead("blocked");
      this.#return();
    }
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#blocked -= 1;
      if (this.#blocked === 0) this.#tellHead("unblocked");
    };
  }

  #return(): void {
    const numbers = this.#queue.splice(0).map(({ callId }) => callId);
    const { leaseId } = this.#start;
    for (const { peer, callId } of this.#process.calls.takeBack(numbers)) {
      peer.tell("tasksReturned", { leaseId, callIds: [callId] });
    }
  }
}
