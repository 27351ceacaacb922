// Runs functions: waits for their arguments, then for resources, then runs each once as a host of its own.
import {
  CallArguments,
  CallContext,
  type CallMessage,
  type CallOwner,
  type Host,
  PendingCall,
  type RunningStream,
  runCall,
} from "../calls/index.ts";
import { newId, type TaskId, type TaskSpec } from "../core/index.ts";
import { TaskPlacementGroupRemoved, TaskUnschedulableError } from "../errors/index.ts";
import type { Grant, Refused } from "../placement/index.ts";
import type { LocalServices } from "./local-services.ts";
import { runtimeEnvProblem } from "./runtime-env.ts";

export class TaskRunner implements CallOwner {
  readonly #services: LocalServices;
  readonly #specs = new Map<PendingCall, TaskSpec>();
  readonly #withdrawals = new Map<PendingCall, () => void>();

  constructor(services: LocalServices) {
    this.#services = services;
  }

  get endpoints() {
    return this.#services.endpoints;
  }
  get channel() {
    return this.#services.channel;
  }
  get carrier() {
    return this.#services.carrier;
  }

  submit(spec: TaskSpec, args: readonly unknown[]): unknown {
    const { options, kind } = spec;
    const facts = {
      functionName: options.name,
      method: options.name,
      lane: "",
      generator: kind === "generator",
      options,
    };
    const call = new PendingCall(facts, CallArguments.of(args, this.carrier, options.name), this);
    this.#specs.set(call, spec);
    const problem = runtimeEnvProblem(this.#services.runtimeEnv, options.runtimeEnv);
    if (problem) call.fail(problem);
    else call.args.whenReady((failed) => (failed ? call.fail(failed.error) : this.#ask(call)));
    return call.result;
  }

  retry(call: PendingCall): void {
    this.#ask(call);
  }

  finished(call: PendingCall): void {
    this.#specs.delete(call);
    this.#withdrawals.get(call)?.();
    this.#withdrawals.delete(call);
  }

  /** There is no process to end: the task is told by its signal, as without `force`. */
  forceEnd(): void {}

  /** Fails everything with this error. */
  failAll(error: () => unknown): void {
    for (const call of [...this.#specs.keys()]) call.fail(error());
  }

  #ask(call: PendingCall): void {
    const spec = this.#specs.get(call);
    if (!spec) return;
    const withdraw = this.#services.scheduler.ask({
      kind: "task",
      id: call.taskId,
      name: spec.options.name,
      request: spec.options.request,
      granted: (grant) => this.#run(call, spec, grant),
      refused: (refused) => call.fail(refusal(spec, refused)),
    });
    if (!call.done) this.#withdrawals.set(call, withdraw);
  }

  #run(call: PendingCall, spec: TaskSpec, grant: Grant): void {
    const hostId = newId<TaskId>();
    const end = () => {
      this.endpoints.hosts.delete(hostId);
      grant.release();
    };
    this.endpoints.hosts.set(hostId, new TaskHost(spec, grant, call, this.#services, end));
    call.send(hostId);
  }
}

function refusal(spec: TaskSpec, { kind, reasons }: Refused) {
  const { name, request } = spec.options;
  const why = reasons.join("; ");
  if (kind === "unschedulable") return new TaskUnschedulableError(`${name} can never be placed: ${why}`, { reasons });
  const groupId = request.strategy.kind === "placementGroup" ? request.strategy.groupId : "";
  return new TaskPlacementGroupRemoved(`${name} cannot run: ${why}`, { placementGroupId: groupId });
}

class TaskHost implements Host {
  readonly #spec: TaskSpec;
  readonly #grant: Grant;
  readonly #call: PendingCall;
  readonly #services: LocalServices;
  readonly #end: () => void;
  readonly #ended = new AbortController();
  #context: CallContext | undefined;
  #stream: RunningStream | undefined;

  constructor(spec: TaskSpec, grant: Grant, call: PendingCall, services: LocalServices, end: () => void) {
    this.#spec = spec;
    this.#grant = grant;
    this.#call = call;
    this.#services = services;
    this.#end = end;
  }

  receive(message: CallMessage): void {
    if (this.#call.done) {
      this.#end();
      return;
    }
    const { carrier, channel, nodeId, namespace } = this.#services;
    const { options, fn } = this.#spec;
    const facts = {
      nodeId,
      namespace,
      restarts: 0,
      gpuIds: this.#grant.gpuIds,
      resources: this.#grant.resources,
      actorSignal: this.#ended.signal,
      block: () => this.#grant.lendCpus(),
    };
    const context = new CallContext(facts, message.task, options.name);
    this.#context = context;
    this.#stream = runCall({
      message,
      context,
      carrier,
      invoke: (args) => (fn as (...args: unknown[]) => unknown)(...args),
      reply: (outcome) => channel.reply(message.callId, outcome),
      finished: () => this.#end(),
    });
  }

  cancel(_callId: number, recursive: boolean): boolean {
    this.#context?.cancel(recursive);
    this.#ended.abort(new DOMException("the task was cancelled", "AbortError"));
    this.#stream?.close();
    if (!this.#context) this.#end();
    return this.#context !== undefined;
  }

  consumed(_callId: number, count: number): void {
    this.#stream?.consumed(count);
  }
}
