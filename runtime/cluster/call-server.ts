// Calls that arrive from other processes: each goes to the host it names, and its answers go back to whoever made it.
// Callers number their calls each for themselves, so a call gets a number of this process here.
import { type Channel, type Companions, decodeCall, type Host, type Outcome } from "../calls/index.ts";
import { ActorDiedError } from "../errors/index.ts";
import type { Peer } from "../transport/index.ts";
import { type CallOnWire, encodeFailure, kind } from "../wire/index.ts";
import { PeerChannel } from "./peer-channel.ts";

interface Caller {
  readonly peer: Peer;
  readonly callId: number;
  readonly hostId: string;
  /** Its caller wants no answer, only to know when it has ended. */
  cancelled: boolean;
}

export class CallServer {
  readonly hosts = new Map<string, Host>();
  readonly #companions: Companions;
  readonly #callers = new Map<number, Caller>();
  readonly #numbers = new WeakMap<Peer, Map<number, number>>();
  readonly #channels = new WeakMap<Peer, PeerChannel>();
  #last = 0;

  constructor(companions: Companions) {
    this.#companions = companions;
  }

  /** Where hosts answer. */
  readonly channel: Channel = {
    call: () => {},
    cancel: () => {},
    consumed: () => {},
    reply: (number, outcome) => this.#reply(number, outcome),
  };

  call(message: CallOnWire, peer: Peer): void {
    const [, callId, hostId] = message;
    const host = this.hosts.get(hostId);
    if (!host) {
      const facts = { actorId: hostId.replace(/#\d+$/, ""), className: "" };
      const error = new ActorDiedError("the actor is not in this process (any more)", facts);
      peer.send([kind.failed, callId, encodeFailure(error)]);
      return;
    }
    this.#last = (this.#last % 0xffff_ffff) + 1;
    const number = this.#last;
    this.#callers.set(number, { peer, callId, hostId, cancelled: false });
    this.#numbersOf(peer).set(callId, number);
    host.receive({ ...decodeCall(message, this.#companions), callId: number });
  }

  cancel(hostId: string, callId: number, recursive: boolean, peer: Peer): void {
    const number = this.#numbersOf(peer).get(callId);
    const caller = number === undefined ? undefined : this.#callers.get(number);
    if (number !== undefined && caller && this.hosts.get(hostId)?.cancel(number, recursive)) {
      caller.cancelled = true;
      return;
    }
    if (number !== undefined) this.#forget(number);
    peer.tell("callEnded", { hostId, callId });
  }

  consumed(hostId: string, callId: number, count: number, peer: Peer): void {
    const number = this.#numbersOf(peer).get(callId);
    if (number !== undefined) this.hosts.get(hostId)?.consumed(number, count);
  }

  /** Who made a call, while it is not answered. */
  callerOf(number: number): Caller | undefined {
    return this.#callers.get(number);
  }

  /** Takes a call away without an answer. */
  #forget(number: number): void {
    const caller = this.#callers.get(number);
    if (!caller) return;
    this.#callers.delete(number);
    this.#numbersOf(caller.peer).delete(caller.callId);
  }

  /** Drops calls that their caller makes again elsewhere. Gives their numbers there. */
  takeBack(numbers: readonly number[]): Caller[] {
    const callers = numbers.flatMap((number) => this.#callers.get(number) ?? []);
    for (const number of numbers) this.#forget(number);
    return callers;
  }

  #reply(number: number, outcome: Outcome): void {
    const caller = this.#callers.get(number);
    if (!caller) return;
    const { peer, callId, hostId, cancelled } = caller;
    if (outcome.kind !== "item") this.#forget(number);
    if (cancelled) {
      if (outcome.kind !== "item") peer.tell("callEnded", { hostId, callId });
      return;
    }
    let channel = this.#channels.get(peer);
    if (!channel) {
      channel = new PeerChannel(peer, this.#companions);
      this.#channels.set(peer, channel);
    }
    channel.reply(callId, outcome);
  }

  #numbersOf(peer: Peer): Map<number, number> {
    let numbers = this.#numbers.get(peer);
    if (!numbers) {
      numbers = new Map();
      this.#numbers.set(peer, numbers);
    }
    return numbers;
  }
}
