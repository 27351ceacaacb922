"""The packet of `proto/runtime.proto` as bytes: two numbers and a frame, in the wire format of protocol buffers."""

from __future__ import annotations

from typing import NamedTuple

LINK_PATH = "/astune.runtime.Peer/Link"
SERVICE = "astune.runtime.Peer"
METHOD = "Link"

_SEQUENCE, _ACKNOWLEDGED, _FRAME = 1, 2, 3
_VARINT, _BYTES = 0, 2


class Packet(NamedTuple):
    """All messages of one turn. One with sequence 0 has no frame and only acknowledges."""

    sequence: int
    acknowledged: int
    frame: bytes


def encode_packet(packet: Packet) -> bytes:
    """The packet's bytes."""
    parts = []
    for field, number in ((_SEQUENCE, packet.sequence), (_ACKNOWLEDGED, packet.acknowledged)):
        if number:
            parts.append(bytes([field << 3 | _VARINT]) + _varint(number))
    if packet.frame:
        parts += [bytes([_FRAME << 3 | _BYTES]), _varint(len(packet.frame)), packet.frame]
    return b"".join(parts)


def decode_packet(data: bytes) -> Packet:
    """The packet. Raises ValueError where the bytes are not one."""
    numbers = {_SEQUENCE: 0, _ACKNOWLEDGED: 0}
    frame = b""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        field, form = tag >> 3, tag & 7
        value, at = _read_varint(data, at)
        if form == _VARINT:
            if field in numbers:
                numbers[field] = value
        elif form == _BYTES and at + value <= len(data):
            if field == _FRAME:
                frame = data[at : at + value]
            at += value
        else:
            raise ValueError(f"bytes that are no packet arrived: field {field} of form {form}")
    return Packet(numbers[_SEQUENCE], numbers[_ACKNOWLEDGED], frame)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("bytes that are no packet arrived: a number is cut short")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
