// Tasks of the cluster as their submitter sees them: each goes to the queue of its kind.
import type { CallFacts } from "../calls/index.ts";
import { codeRefOf, formatCodeRef } from "../code/index.ts";
import type { LeaseClaims } from "../control/index.ts";
import type { TaskSpec } from "../core/index.ts";
import { languageOf, TaskQueue, type TaskServices } from "./task-queue.ts";

export class RemoteTasks {
  readonly #services: TaskServices;
  readonly #queues = new Map<string, TaskQueue>();
  readonly #specs = new WeakMap<TaskSpec, { readonly queue: TaskQueue; readonly facts: CallFacts }>();
  readonly #byLease = new Map<string, TaskQueue>();

  constructor(services: TaskServices) {
    this.#services = services;
  }

  submit(spec: TaskSpec, args: readonly unknown[]): unknown {
    let known = this.#specs.get(spec);
    if (!known) {
      const { environment } = this.#services;
      const runtimeEnv = environment.of(spec.options.runtimeEnv);
      const method = formatCodeRef(environment.rooted(codeRefOf(spec.fn), runtimeEnv));
      const given = { ...spec, options: { ...spec.options, runtimeEnv } };
      known = { queue: this.#queueOf(given), facts: factsOf(given, method) };
      this.#specs.set(spec, known);
    }
    return known.queue.submit(known.facts, args);
  }

  #queueOf(spec: TaskSpec): TaskQueue {
    const { options } = spec;
    const key = JSON.stringify([options.name, options.request, options.runtimeEnv, languageOf(spec)]);
    let queue = this.#queues.get(key);
    if (!queue) {
      queue = new TaskQueue(this.#services, spec, this.#byLease);
      this.#queues.set(key, queue);
    }
    return queue;
  }

  /** The head tells that a leased host is gone. */
  leaseLost(leaseId: string, reason: string): void {
    this.#byLease.get(leaseId)?.lost(leaseId, reason);
  }

  /** A leased host waits inside a task, and gives back what it had not begun, so that nothing waits behind it. */
  returned(leaseId: string, callIds: readonly number[]): void {
    this.#byLease.get(leaseId)?.returned(leaseId, callIds);
  }

  /** A cancelled task has ended on its leased host. */
  ended(leaseId: string, callId: number): void {
    this.#byLease.get(leaseId)?.ended(leaseId, callId);
  }

  /** A process cannot be reached any more: what ran there is lost to this one. */
  disconnected(processId: string): void {
    for (const queue of this.#queues.values()) queue.disconnected(processId);
  }

  /** What this process has been given, for a head that was started again. */
  leases(): LeaseClaims {
    return [...this.#queues.values()].flatMap((queue) => queue.leases());
  }

  /** Fails everything with this error. */
  failAll(error: () => unknown): void {
    for (const queue of this.#queues.values()) queue.failAll(error);
  }
}

function factsOf({ kind, options }: TaskSpec, method: string): CallFacts {
  return { functionName: options.name, method, lane: "", generator: kind === "generator", options };
}
