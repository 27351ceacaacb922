// Calls that arrive from other processes: each goes to the host it names, and its answers go back to whoever made it.
// Callers number their calls each for themselves, so a call gets a number of this process here.
import {
  type CallMessage,
  type Channel,
  type Companions,
  decodeCall,
  type Host,
  type Outcome,
  type Packed,
  type WireValue,
} from "../calls/index.ts";
import { ActorDiedError, RayError, RaySystemError } from "../errors/index.ts";
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
  readonly #channels = new WeakMap<Peer, PeerChannel>();
  /** The last call of each caller that waits for its arguments. */
  readonly #lines = new WeakMap<Host, Map<Peer, Promise<void>>>();
  /** Answers whose values are being stored, by call. */
  readonly #saving = new Map<number, Promise<void>>();
  #last = 0;

  readonly #given: (value: WireValue, processId: string) => void;

  /** `given`: a stored value has become another process's. */
  constructor(companions: Companions, given: (value: WireValue, processId: string) => void) {
    this.#companions = companions;
    this.#given = given;
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
    const decoded = decodeCall(message, this.#companions, peer.processId, number);
    const before = this.#lines.get(host)?.get(peer);
    if (decoded.args.length === 0 && !before) {
      host.receive(decoded);
      return;
    }
    const preparing = decoded.args.flatMap((arg) => arg.prepare?.() ?? []);
    if (preparing.length === 0 && !before) host.receive(decoded);
    else this.#inLine(host, peer, decoded, Promise.all([before, ...preparing]));
  }

  /** Its arguments have to be brought here first, and what came from the same caller after it waits for its turn. */
  #inLine(host: Host, peer: Peer, call: CallMessage, ready: Promise<unknown>): void {
    const line = this.#lines.get(host) ?? new Map<Peer, Promise<void>>();
    this.#lines.set(host, line);
    const turn = ready.then(
      // It may have been cancelled meanwhile.
      () => this.#callers.has(call.callId) && host.receive(call),
      (error: unknown) => this.#reply(call.callId, { kind: "failed", error: known(error) }),
    ) as Promise<void>;
    line.set(peer, turn);
    void turn.then(() => line.get(peer) === turn && line.delete(peer));
  }

  cancel(hostId: string, callId: number, recursive: boolean, peer: Peer): void {
    const number = this.#numberOf(peer, callId);
    const caller = number === undefined ? undefined : this.#callers.get(number);
    if (number !== undefined && caller && this.hosts.get(hostId)?.cancel(number, recursive)) {
      caller.cancelled = true;
      return;
    }
    if (number !== undefined) this.#callers.delete(number);
    peer.tell("callEnded", { hostId, callId });
  }

  consumed(hostId: string, callId: number, count: number, peer: Peer): void {
    const number = this.#numberOf(peer, callId);
    if (number !== undefined) this.hosts.get(hostId)?.consumed(number, count);
  }

  /** Who made a call, while it is not answered. */
  callerOf(number: number): Caller | undefined {
    return this.#callers.get(number);
  }

  /** Drops calls that their caller makes again elsewhere. Gives their numbers there. */
  takeBack(numbers: readonly number[]): Caller[] {
    const callers = numbers.flatMap((number) => this.#callers.get(number) ?? []);
    for (const number of numbers) this.#callers.delete(number);
    return callers;
  }

  #reply(number: number, outcome: Outcome): void {
    const before = this.#saving.get(number);
    const unsaved = valuesOf(outcome).some(({ saved }) => saved);
    if (!before && !unsaved) this.#send(number, outcome);
    else this.#save(number, outcome, before);
  }

  /** Sends the answer when its large values are stored, and after what was answered before it. */
  #save(number: number, outcome: Outcome, before: Promise<void> | undefined): void {
    const values = valuesOf(outcome);
    const saving = Promise.all([...values.map(async (value) => value.saved ?? value), before]).then(
      (all) => this.#send(number, withValues(outcome, all.slice(0, values.length) as Packed[])),
      (error: unknown) => this.#send(number, { kind: "failed", error: known(error) }),
    );
    this.#saving.set(number, saving);
    void saving.then(() => this.#saving.get(number) === saving && this.#saving.delete(number));
  }

  #send(number: number, outcome: Outcome): void {
    const caller = this.#callers.get(number);
    if (!caller) return;
    const { peer, callId, hostId, cancelled } = caller;
    if (outcome.kind !== "item") this.#callers.delete(number);
    if (cancelled) {
      if (outcome.kind !== "item") peer.tell("callEnded", { hostId, callId });
      return;
    }
    let channel = this.#channels.get(peer);
    if (!channel) {
      channel = new PeerChannel(peer, this.#companions);
      this.#channels.set(peer, channel);
    }
    for (const value of valuesOf(outcome)) {
      if ((value as WireValue).storedAt) this.#given(value as WireValue, peer.processId);
    }
    channel.reply(callId, outcome);
  }

  /** Only for what is rare, so that nothing is kept for it on every call. */
  #numberOf(peer: Peer, callId: number): number | undefined {
    for (const [number, caller] of this.#callers) if (caller.peer === peer && caller.callId === callId) return number;
    return undefined;
  }
}

function valuesOf(outcome: Outcome): readonly Packed[] {
  if (outcome.kind === "values") return outcome.values;
  return outcome.kind === "item" ? [outcome.value] : none;
}

function withValues(outcome: Outcome, values: readonly Packed[]): Outcome {
  if (outcome.kind === "values") return { kind: "values", values };
  return outcome.kind === "item" ? { kind: "item", value: values[0] as Packed } : outcome;
}

const none: readonly Packed[] = [];

function known(error: unknown): RayError {
  return error instanceof RayError ? error : new RaySystemError(String(error), {}, { cause: error });
}
