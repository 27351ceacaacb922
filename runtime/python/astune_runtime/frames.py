"""What is in a packet's frame: a msgpack array of messages, each an array that begins with its kind.

The kinds and their fields are in `runtime/wire/frame.ts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack

CALL, VALUES, ITEM, END, THREW, FAILED, CANCEL, CONSUMED, REQUEST, RESPONSE, REFUSED, EVENT = range(1, 13)

Message = Sequence[Any]

_UNDEFINED = 0


def encode_frame(messages: Sequence[Message]) -> bytes:
    """The frame's bytes."""
    return msgpack.packb(messages)


def decode_frame(frame: bytes) -> list[Message]:
    """The messages. Raises ValueError where the bytes are no frame."""
    try:
        messages = msgpack.unpackb(frame, strict_map_key=False, ext_hook=_extension)
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise ValueError(f"bytes that are not msgpack arrived: {error}") from error
    if not isinstance(messages, list) or not all(isinstance(one, list) and one for one in messages):
        raise ValueError("a frame that is not an array of messages arrived")
    return messages


def _extension(code: int, data: bytes) -> Any:
    """JavaScript's undefined inside a question's payload."""
    if code == _UNDEFINED:
        return None
    raise ValueError(f"an extension of type {code} has no place in a frame")
