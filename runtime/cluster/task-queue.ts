// The tasks of one kind (same name, resources and environment): they share leased hosts. The head is asked for a lease, not
// for each task. A host gets one task after another, several ahead of time where they prove to be short, and is given back
// when it has been idle.
import {
  CallArguments,
  type CallFacts,
  type CallOwner,
  type Carrier,
  type Channel,
  type Endpoints,
  PendingCall,
} from "../calls/index.ts";
import { isPython } from "../code/index.ts";
import type { LeaseClaims, LeaseGrant, LeaseRequest } from "../control/index.ts";
import { newId, type TaskId, type TaskSpec } from "../core/index.ts";
import type { JobEnvironment } from "../environment/index.ts";
import { RayError, TaskCancelledError, WorkerCrashedError } from "../errors/index.ts";
import { LeasedHost } from "./leased-host.ts";

/** What the tasks need from their process. */
export interface TaskServices {
  readonly endpoints: Endpoints;
  readonly carrier: Carrier;
  readonly jobId: string;
  readonly namespace: string;
  readonly environment: JobEnvironment;
  channel(address: string): Channel;
  /** Asks the head for a host; rejects where there can be none. */
  lease(request: LeaseRequest): Promise<LeaseGrant>;
  /** Gives a lease back, or takes a request for one back. */
  dropLease(leaseId: string): void;
  /** Ends a leased host's process. */
  killLease(leaseId: string): void;
}

/** A leased host that has had nothing to do for so long is given back. Ray's own figure. */
const idleMs = 500;
/** Leases asked for at once, for one kind of task. */
const maxRequests = 16;

export class TaskQueue implements CallOwner {
  readonly #services: TaskServices;
  readonly #sample: TaskSpec;
  readonly #byLease: Map<string, TaskQueue>;
  readonly #waiting: PendingCall[] = [];
  readonly #all = new Set<PendingCall>();
  readonly #hosts = new Map<string, LeasedHost>();
  readonly #on = new Map<PendingCall, LeasedHost>();
  readonly #requested = new Set<string>();
  #pumping = false;

  constructor(services: TaskServices, sample: TaskSpec, byLease: Map<string, TaskQueue>) {
    this.#services = services;
    this.#sample = sample;
    this.#byLease = byLease;
  }

  get carrier(): Carrier {
    return this.#services.carrier;
  }
  get endpoints(): Endpoints {
    return this.#services.endpoints;
  }

  /** The channel of whichever host a call is on is its host's; a call asks only for its own. */
  readonly channel: Channel = {
    call: (message) => this.#hosts.get(message.hostId)?.channel.call(message),
    cancel: (hostId, callId, recursive) => this.#hosts.get(hostId)?.channel.cancel(hostId, callId, recursive),
    consumed: (hostId, callId, count) => this.#hosts.get(hostId)?.channel.consumed(hostId, callId, count),
    reply: () => {},
  };

  submit(facts: CallFacts, args: readonly unknown[]): unknown {
    const call = new PendingCall(facts, CallArguments.of(args, this.carrier, facts.functionName), this);
    this.#all.add(call);
    if (call.args.ready) this.#enqueue(call);
    else call.args.whenReady((failed) => (failed ? call.fail(failed.error) : this.#enqueue(call)));
    return call.result;
  }

  retry(call: PendingCall): void {
    this.#leave(call);
    this.#enqueue(call);
  }

  finished(call: PendingCall): void {
    this.#all.delete(call);
    this.#leave(call);
    if (this.#waiting.length > 0) this.#schedule();
  }

  leases(): LeaseClaims {
    const given = [...this.#hosts.values()].map(({ grant: { leaseId, nodeId } }) => ({ leaseId, nodeId }));
    return [...given, ...[...this.#requested].map((leaseId) => ({ leaseId, nodeId: null }))];
  }

  disconnected(processId: string): void {
    for (const { leaseId, grant } of [...this.#hosts.values()]) {
      if (!grant.address.startsWith(`${processId}|`)) continue;
      this.lost(leaseId, "it could not be reached any more");
      this.#services.dropLease(leaseId);
    }
  }

  lost(leaseId: string, reason: string): void {
    const host = this.#hosts.get(leaseId);
    if (!host) return;
    this.#forget(host);
    for (const call of host.calls) {
      this.#on.delete(call);
      // What had not begun can begin elsewhere; what had begun uses up one retry.
      if (!host.hasBegun(call) || call.useRetry()) {
        call.detach();
        this.#enqueue(call);
      } else {
        call.fail(new WorkerCrashedError(`the process that ran ${call.facts.functionName} ended: ${reason}`));
      }
    }
  }

  returned(leaseId: string, callIds: readonly number[]): void {
    const host = this.#hosts.get(leaseId);
    const calls = host?.calls.filter(({ callId }) => callIds.includes(callId)) ?? [];
    host?.block(calls);
    this.#again(calls);
  }

  ended(leaseId: string, callId: number): void {
    this.#hosts.get(leaseId)?.ended(callId);
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** Ends the process that runs the call; what was to come after it there runs elsewhere. */
  forceEnd(call: PendingCall): void {
    const host = this.#on.get(call);
    if (!host) return;
    this.#forget(host);
    this.#services.killLease(host.leaseId);
    this.#again(host.calls.filter((other) => other !== call));
  }

  failAll(error: () => unknown): void {
    for (const call of [...this.#all]) call.fail(error());
    for (const host of [...this.#hosts.values()]) this.#giveBack(host);
  }

  #again(calls: readonly PendingCall[]): void {
    for (const call of calls) {
      this.#on.delete(call);
      call.detach();
      this.#enqueue(call);
    }
  }

  #enqueue(call: PendingCall): void {
    if (call.done) return;
    this.#waiting.push(call);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    let index = 0;
    while (index < this.#waiting.length) {
      const call = this.#waiting[index] as PendingCall;
      if (!call.done) {
        const host = this.#freest();
        if (!host) break;
        this.#on.set(call, host);
        host.take(call);
      }
      index += 1;
    }
    this.#waiting.splice(0, index);
    this.#request();
  }

  #freest(): LeasedHost | undefined {
    let best: LeasedHost | undefined;
    for (const host of this.#hosts.values()) {
      if (host.hasRoom && (best === undefined || host.load < best.load)) best = host;
    }
    return best;
  }

  #request(): void {
    const wanted = Math.min(this.#waiting.length, maxRequests);
    while (this.#requested.size < wanted) void this.#lease();
    if (this.#waiting.length > 0) return;
    for (const leaseId of this.#requested) this.#services.dropLease(leaseId);
    this.#requested.clear();
  }

  async #lease(): Promise<void> {
    const { options } = this.#sample;
    const leaseId = newId<TaskId>();
    this.#requested.add(leaseId);
    const { jobId, namespace } = this.#services;
    const { request, runtimeEnv } = options;
    try {
      const asked = { leaseId, jobId, name: options.name, namespace, request, runtimeEnv };
      const grant = await this.#services.lease({ ...asked, ...languageOf(this.#sample) });
      if (!this.#requested.delete(leaseId)) {
        this.#services.dropLease(leaseId);
        return;
      }
      const host = new LeasedHost(grant, this.#services.channel(grant.address), idleMs, () => this.#giveBack(host));
      this.#hosts.set(leaseId, host);
      this.#byLease.set(leaseId, this);
      this.#pump();
      host.restIfIdle();
    } catch (error) {
      if (this.#requested.delete(leaseId)) this.#refused(error);
    }
  }

  /** No host can be had: the tasks that wait for one fail. */
  #refused(error: unknown): void {
    if (error instanceof TaskCancelledError) return;
    const known = error instanceof RayError ? error : new WorkerCrashedError(String(error));
    for (const call of this.#waiting.splice(0)) call.fail(known);
  }

  #leave(call: PendingCall): void {
    this.#on.get(call)?.leave(call);
    this.#on.delete(call);
  }

  #giveBack(host: LeasedHost): void {
    this.#forget(host);
    this.#services.dropLease(host.leaseId);
  }

  #forget(host: LeasedHost): void {
    host.close();
    this.#hosts.delete(host.leaseId);
    this.#byLease.delete(host.leaseId);
  }
}

/** Which kind of host runs the task. */
export function languageOf({ fn }: TaskSpec): Pick<LeaseRequest, "language"> {
  return isPython(fn) ? { language: "python" } : {};
}
