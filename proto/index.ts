// The door of the wire contracts: the service that all processes speak, and its packet.
import { astune } from "./gen/runtime.js";

/** One turn's messages on their way. A packet with an empty frame only acknowledges. */
export interface Packet {
  readonly sequence: number;
  readonly acknowledged: number;
  readonly frame: Uint8Array;
}

/** The path of the one method, as gRPC names it. */
export const linkPath = "/astune.runtime.Peer/Link";

export function encodePacket(packet: Packet): Buffer {
  return astune.runtime.Packet.encode(packet).finish() as Buffer;
}

/** Throws where the bytes are not a packet. */
export function decodePacket(bytes: Uint8Array): Packet {
  const { sequence, acknowledged, frame } = astune.runtime.Packet.decode(bytes);
  return { sequence, acknowledged, frame };
}
