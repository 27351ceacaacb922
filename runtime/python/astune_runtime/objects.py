"""A large value as the bytes of one object of the store. The layout is in `runtime/wire/object-layout.ts`."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MAGIC = 0x31424F41
_FIXED = struct.Struct("<4I")
_PLACE = struct.Struct("<2Q")
_ALIGNMENT = 64

Bytes = bytes | memoryview


@dataclass(frozen=True)
class ObjectSections:
    """An object taken apart. Everything lies over the object's own memory."""

    head: memoryview
    companions: memoryview
    buffers: Sequence[memoryview]


def object_parts(head: bytes, buffers: Sequence[memoryview], companions: bytes = b"") -> list[Bytes]:
    """The parts to be written one after another. No buffer is copied."""
    table = [_FIXED.pack(_MAGIC, len(buffers), len(head), len(companions))]
    tail: list[Bytes] = []
    end = _FIXED.size + _PLACE.size * len(buffers) + len(head) + len(companions)
    for buffer in buffers:
        offset = -(-end // _ALIGNMENT) * _ALIGNMENT
        table.append(_PLACE.pack(offset, buffer.nbytes))
        tail += [bytes(offset - end), buffer]
        end = offset + buffer.nbytes
    return [b"".join([*table, head, companions]), *tail]


def length_of(parts: Iterable[Bytes]) -> int:
    """How long the parts are together, in bytes."""
    return sum(memoryview(part).nbytes for part in parts)


def object_sections(content: memoryview) -> ObjectSections:
    """Raises ValueError where the bytes are no object or are cut short."""
    if content.nbytes < _FIXED.size or _FIXED.unpack_from(content)[0] != _MAGIC:
        raise ValueError(f"{content.nbytes} bytes that are no stored object")
    _, count, head, companions = _FIXED.unpack_from(content)

    def part(offset: int, length: int) -> memoryview:
        if offset + length > content.nbytes:
            text = f"a stored object of {content.nbytes} bytes is cut short: a part ends at {offset + length}"
            raise ValueError(text)
        return content[offset : offset + length]

    head_at = _FIXED.size + _PLACE.size * count
    return ObjectSections(
        part(head_at, head),
        part(head_at + head, companions),
        [part(*_PLACE.unpack_from(content, _FIXED.size + _PLACE.size * i)) for i in range(count)],
    )
