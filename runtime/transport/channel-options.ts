// gRPC's settings that both sides share.
import type { ChannelOptions, Metadata } from "@grpc/grpc-js";
import { decodePacket, encodePacket, linkPath } from "../../proto/index.ts";

/** A packet larger than this is refused. Values that could make one are sent in chunks, or by the object store. */
export const maxPacketBytes = 64 << 20;

/** What one connection may make the process hold before it is read: a packet, and then some. */
export const sessionMemoryMiB = 128;

export const channelOptions: ChannelOptions = {
  "grpc.max_send_message_length": maxPacketBytes,
  "grpc.max_receive_message_length": maxPacketBytes,
  "grpc.keepalive_time_ms": 5_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // Every session has a connection of its own, so that one end's loss is not another's.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.default_compression_algorithm": 0,
  "grpc.enable_http_proxy": 0,
  // A session knows what has not arrived; gRPC need not keep it, too.
  "grpc.enable_retries": 0,
};

export const linkMethod = {
  path: linkPath,
  requestStream: true,
  responseStream: true,
  requestSerialize: encodePacket,
  requestDeserialize: decodePacket,
  responseSerialize: encodePacket,
  responseDeserialize: decodePacket,
} as const;

export const keys = {
  authorization: "authorization",
  session: "x-astune-session",
  received: "x-astune-received",
  process: "x-astune-process",
  fresh: "x-astune-fresh",
} as const;

/** What `received` says of a session that has had no stream yet. */
export const neverOpened = "new";

/** One text of the metadata; empty where it is missing. */
export function textOf(metadata: Metadata, key: string): string {
  const value = metadata.get(key)[0];
  return value === undefined ? "" : String(value);
}
