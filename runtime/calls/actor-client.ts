// The caller's side of one actor: calls are made here, wait for their arguments and for the actor, keep the order of their
// submitter, and are made again or failed when the actor dies under them.
import type { MethodInfo, MethodOptions } from "../core/index.ts";
import { PendingCallsLimitExceeded } from "../errors/index.ts";
import { actorCall, type CallFactsSource } from "./actor-call.ts";
import type { Carrier } from "./carrier.ts";
import type { Channel, Endpoints } from "./channel.ts";
import type { CallOwner, PendingCall } from "./pending-call.ts";

export interface ActorClientOptions {
  readonly className: string;
  readonly ordered: boolean;
  readonly maxPendingCalls: number;
}

export class ActorClient implements CallOwner {
  readonly endpoints: Endpoints;
  readonly carrier: Carrier;
  readonly #source: CallFactsSource;
  readonly #options: ActorClientOptions;
  #channel: Channel | undefined;
  #hostId: string | undefined;
  #dead: (() => unknown) | undefined;
  readonly #unanswered = new Set<PendingCall>();
  /** Ready, but the actor is not alive yet. */
  #held: PendingCall[] = [];
  /** Per submitter and lane: calls whose turn waits for the arguments of an earlier one. */
  readonly #outboxes = new Map<string, { call: PendingCall; ready: boolean }[]>();
  #idle: (() => void)[] = [];

  /** `source`: the actor's methods and what its options say of calls. */
  constructor(
    source: CallFactsSource,
    options: ActorClientOptions,
    { endpoints, carrier }: Pick<CallOwner, "endpoints" | "carrier">,
  ) {
    this.#source = source;
    this.#options = options;
    this.endpoints = endpoints;
    this.carrier = carrier;
  }

  /** To the host that the actor has, or had last. */
  get channel(): Channel {
    if (!this.#channel) throw new Error(`an actor of ${this.#options.className} has no host yet`);
    return this.#channel;
  }

  get pendingCalls(): number {
    return this.#unanswered.size;
  }

  /**
   * Calls a method; gives what `.remote()` gives. `callOptions`: undefined for a call without options of its own. Throws
   * PendingCallsLimitExceeded, InvalidOptionError for bad options, SerializationError for an argument that cannot travel.
   */
  call(method: MethodInfo, callOptions: MethodOptions | undefined, args: readonly unknown[]): unknown {
    this.#checkLimit();
    const call = actorCall(this.#source, method, callOptions, args, this);
    this.#submit(call);
    return call.result;
  }

  #checkLimit(): void {
    const { maxPendingCalls: limit, className } = this.#options;
    if (limit !== -1 && this.#unanswered.size >= limit) {
      throw new PendingCallsLimitExceeded(`${className} has ${limit} unanswered calls (maxPendingCalls)`, { limit });
    }
  }

  #submit(call: PendingCall): void {
    if (this.#dead) {
      call.fail(this.#dead());
      return;
    }
    this.#unanswered.add(call);
    const { args } = call;
    const { lane } = call.facts;
    if (args.ready && (this.#outboxes.size === 0 || !this.#options.ordered)) {
      this.#dispatch(call);
      return;
    }
    if (!this.#options.ordered) {
      args.whenReady((failed) => (failed ? call.fail(failed.error) : this.#dispatch(call)));
      return;
    }
    const key = `${call.submitter}|${lane}`;
    const outbox = this.#outboxes.get(key) ?? [];
    this.#outboxes.set(key, outbox);
    const item = { call, ready: false };
    outbox.push(item);
    args.whenReady((failed) => {
      item.ready = true;
      if (failed) call.fail(failed.error);
      this.#flush(key, outbox);
    });
  }

  /** The actor lives, at this host, which `channel` leads to. */
  alive(hostId: string, channel: Channel): void {
    this.#hostId = hostId;
    this.#channel = channel;
    for (const call of this.#held.splice(0)) this.#dispatch(call);
  }

  /** The actor's host is gone and will come back: calls under way are made again, or fail with `error()`. */
  restarting(error: () => unknown): void {
    this.#hostId = undefined;
    const again: PendingCall[] = [];
    for (const call of [...this.#unanswered].filter(({ sent }) => sent)) {
      if (call.useRetry()) {
        call.detach();
        again.push(call);
      } else {
        call.fail(error());
      }
    }
    this.#held = [...again, ...this.#held];
  }

  /** The actor is gone for good: everything fails, now and later. */
  dead(error: () => unknown): void {
    this.#dead = error;
    this.#hostId = undefined;
    for (const call of [...this.#unanswered]) call.fail(error());
    this.#held = [];
    this.#outboxes.clear();
  }

  /** The call threw and is made once more. */
  retry(call: PendingCall): void {
    this.#dispatch(call);
  }

  finished(call: PendingCall): void {
    this.#unanswered.delete(call);
    if (this.#unanswered.size === 0) for (const listener of this.#idle.splice(0)) listener();
  }

  /** Calls back once, when no call is unanswered (at once if none is). */
  whenIdle(listener: () => void): void {
    if (this.#unanswered.size === 0) listener();
    else this.#idle.push(listener);
  }

  #flush(key: string, outbox: { call: PendingCall; ready: boolean }[]): void {
    while (outbox[0]?.ready) {
      const { call } = outbox.shift() as { call: PendingCall };
      if (!call.done) this.#dispatch(call);
    }
    if (outbox.length === 0) this.#outboxes.delete(key);
  }

  #dispatch(call: PendingCall): void {
    if (call.done) return;
    if (this.#hostId === undefined) {
      this.#held.push(call);
      return;
    }
    call.send(this.#hostId);
  }
}
