"""gRPC's settings that both sides share, as `runtime/transport/channel-options.ts` has them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

MAX_PACKET_BYTES = 64 << 20

CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", MAX_PACKET_BYTES),
    ("grpc.max_receive_message_length", MAX_PACKET_BYTES),
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # The other side's pings are welcome as often as it sends them.
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Every session has a connection of its own, so that one end's loss is not another's.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.so_reuseport", 0),
]

AUTHORIZATION = "authorization"
SESSION = "x-astune-session"
RECEIVED = "x-astune-received"
PROCESS = "x-astune-process"
FRESH = "x-astune-fresh"

NEVER_OPENED = "new"
"""What `received` says of a session that has had no stream yet."""


def text_of(metadata: Iterable[tuple[str, str | bytes]] | None, key: str) -> str:
    """One text of the metadata; empty where it is missing."""
    for name, value in metadata or ():
        if name == key:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return ""


def is_same_token(given: str, token: str) -> bool:
    """Compares in a time that tells nothing of where two tokens differ."""
    return hmac.compare_digest(given.encode(), token.encode())
