// The channel of calls to one other process.
import {
  type CallMessage,
  type Channel,
  type Companions,
  encodeCall,
  encodeReply,
  type Outcome,
  type WireValue,
} from "../calls/index.ts";
import type { Peer } from "../transport/index.ts";
import { kind } from "../wire/index.ts";

export class PeerChannel implements Channel {
  readonly #peer: Peer;
  readonly #companions: Companions;

  constructor(peer: Peer, companions: Companions) {
    this.#peer = peer;
    this.#companions = companions;
  }

  call(message: CallMessage): void {
    let bytes = 0;
    for (const arg of message.args) bytes += (arg as WireValue).data.byteLength;
    this.#peer.send(encodeCall(message, this.#companions), bytes);
  }

  cancel(hostId: string, callId: number, recursive: boolean): void {
    this.#peer.send([kind.cancel, hostId, callId, recursive]);
  }

  consumed(hostId: string, callId: number, count: number): void {
    this.#peer.send([kind.consumed, hostId, callId, count]);
  }

  reply(callId: number, outcome: Outcome): void {
    this.#peer.send(encodeReply(callId, outcome, this.#companions), sizeOf(outcome));
  }
}

function sizeOf(outcome: Outcome): number {
  if (outcome.kind === "item") return (outcome.value as WireValue).data.byteLength;
  if (outcome.kind !== "values") return 0;
  let bytes = 0;
  for (const value of outcome.values) bytes += (value as WireValue).data.byteLength;
  return bytes;
}
