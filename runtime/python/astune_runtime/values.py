"""A value as bytes and back, as `runtime/wire` has it: plain msgpack with one extension, type 0x41.

What the extension's first byte says is in `runtime/wire/extension.ts`. No byte that arrives is ever executed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgpack
import numpy as np

from .arrays import Tensor, encode_form, from_form, numbers_of, read_form

EXTENSION_TYPE = 0x41
UNDEFINED, ARRAY, OBJECT_REF, ACTOR, BIGINT, ARRAY_BESIDE, BYTES_BESIDE = range(7)

INLINE_LIMIT_BYTES = 100 * 1024
"""Values up to this length travel inside a call; larger ones as an object of the node's store."""

_BESIDE_FROM_BYTES = 4096


class SerializationError(TypeError):
    """The value cannot leave its process. `path` names the part of it that cannot."""

    code = "NOT_SERIALIZABLE"

    def __init__(self, path: str, what: str, fix: str) -> None:
        super().__init__(f"{path}: {what} cannot leave its process: {fix}")
        self.path = path


@dataclass(frozen=True)
class EncodedValue:
    """A value as it travels, with the references and handles found in it, in the order of their numbers.

    `buffers` are views of the value's own memory, for the store; a value inside a call has none.
    """

    data: bytes
    objects: Sequence[Any] = ()
    actors: Sequence[Any] = ()
    buffers: Sequence[memoryview] = ()
    is_large: bool = False


@dataclass
class _Kept:
    """Stands for an array or bytes in a walked value until it is known whether the value as a whole is large."""

    inside: Callable[[], Any]
    beside: Callable[[], Any]


@dataclass
class ValueCodec:
    """Encodes and decodes. `object_class` and `actor_class` are what references and handles are instances of here."""

    object_class: type | tuple[type, ...] = ()
    actor_class: type | tuple[type, ...] = ()

    def encode(self, value: Any, path: str = "value") -> EncodedValue:
        """The value for a call, whatever its length. Raises SerializationError with the way to what cannot travel."""
        walk = _Walk(self, path)
        data = _pack(walk.portable(value), lambda kept: kept.inside())
        return EncodedValue(data, walk.objects, walk.actors)

    def encode_for_transfer(self, value: Any, path: str = "value", limit: int = INLINE_LIMIT_BYTES) -> EncodedValue:
        """The value for a call if it is at most `limit` bytes long, else for the store. No large array is copied."""
        walk = _Walk(self, path)
        portable = walk.portable(value)
        inside = sum(buffer.nbytes for buffer in walk.buffers) <= limit
        data = _pack(portable, lambda kept: kept.inside() if inside else kept.beside())
        is_large = not inside or len(data) > limit
        return EncodedValue(data, walk.objects, walk.actors, () if inside else walk.buffers, is_large)

    def decode(
        self,
        data: bytes | memoryview,
        objects: Sequence[Any] = (),
        actors: Sequence[Any] = (),
        buffers: Sequence[memoryview] = (),
    ) -> Any:
        """The value. `objects` and `actors` are what its references and handles become.

        Large arrays lie directly over `buffers`, which they keep alive; where those are read-only, so are they. Everything
        else is a copy, bytes too. JavaScript's `undefined` is None.
        """
        if len(data) == 0:
            return None

        def unpack(code: int, content: bytes) -> Any:
            return _decode(code, content, objects, actors, buffers)

        return msgpack.unpackb(data, ext_hook=unpack, timestamp=3, strict_map_key=False)


def _pack(portable: Any, decide: Callable[[_Kept], Any]) -> bytes:
    return msgpack.packb(portable, default=decide, datetime=True)


def _extension(kind: int, *parts: bytes | memoryview) -> msgpack.ExtType:
    return msgpack.ExtType(EXTENSION_TYPE, b"".join([bytes([kind]), *parts]))


def _numbered(kind: int, index: int, rest: bytes = b"") -> msgpack.ExtType:
    return _extension(kind, struct.pack("<I", index), rest)


def _decode(
    code: int, content: bytes, objects: Sequence[Any], actors: Sequence[Any], buffers: Sequence[memoryview]
) -> Any:
    if code != EXTENSION_TYPE or not content:
        raise ValueError(f"an extension of type {code} and {len(content)} bytes is none of ours")
    kind, rest = content[0], memoryview(content)[1:]
    if kind == UNDEFINED:
        return None
    if kind == ARRAY:
        form = read_form(rest)
        # A bytearray of its own, so that the array can be written to like any other.
        return from_form(form, memoryview(bytearray(rest[form.length :])))
    if kind == BIGINT:
        return int(bytes(rest))
    what = {
        OBJECT_REF: ("reference", objects),
        ACTOR: ("actor", actors),
        ARRAY_BESIDE: ("buffer", buffers),
        BYTES_BESIDE: ("buffer", buffers),
    }.get(kind)
    if what is None:
        raise ValueError(f"extension of unknown kind {kind}")
    name, companions = what
    (index,) = struct.unpack_from("<I", rest)
    if index >= len(companions):
        raise ValueError(f"{name} {index} is not beside the value")
    found = companions[index]
    if kind == ARRAY_BESIDE:
        return from_form(read_form(rest[4:]), found)
    return bytes(found) if kind == BYTES_BESIDE else found


@dataclass
class _Walk:
    codec: ValueCodec
    path: str
    objects: list[Any] = field(default_factory=list)
    actors: list[Any] = field(default_factory=list)
    buffers: list[memoryview] = field(default_factory=list)
    above: set[int] = field(default_factory=set)
    keys: list[str | int] = field(default_factory=list)

    def portable(self, value: Any) -> Any:
        """The value as msgpack can pack it."""
        if value is None or isinstance(value, (bool, float, str)):
            return value
        if isinstance(value, int):
            if -(2**63) <= value < 2**64:
                return int(value)
            return _extension(BIGINT, str(value).encode())
        if isinstance(value, (list, tuple)):
            return self._within(value, lambda: [self._at(i, item) for i, item in enumerate(value)])
        if isinstance(value, dict):
            return self._within(value, lambda: {self._key(key): self._at(key, item) for key, item in value.items()})
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._bytes(memoryview(value))
        if isinstance(value, np.ndarray):
            return self._array(*self._numbers(value))
        if isinstance(value, Tensor):
            return self._array(value.dtype, value.data)
        if isinstance(value, np.generic):
            return self.portable(value.item())
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise self.refuse("a time without a time zone", "give it one, as datetime.now(timezone.utc) has")
            return value
        if isinstance(value, self.codec.object_class):
            self.objects.append(value)
            return _numbered(OBJECT_REF, len(self.objects) - 1)
        if isinstance(value, self.codec.actor_class):
            self.actors.append(value)
            return _numbered(ACTOR, len(self.actors) - 1)
        fix = "send a list" if isinstance(value, (set, frozenset)) else "send a plain dict of its data"
        raise self.refuse(f"a {type(value).__name__}", fix)

    def refuse(self, what: str, fix: str) -> SerializationError:
        steps = "".join(f"[{key}]" if isinstance(key, int) else f"[{key!r}]" for key in self.keys)
        return SerializationError(f"{self.path}{steps}", what, fix)

    def _numbers(self, array: np.ndarray) -> tuple[str, np.ndarray]:
        found = numbers_of(array)
        if found is None:
            raise self.refuse(f"an array of {array.dtype}", "send an array of numbers, or a list")
        return found

    def _array(self, dtype: str, array: np.ndarray) -> Any:
        form = encode_form(dtype, array.shape)
        memory = memoryview(array.reshape(-1).view(np.uint8)) if array.size else memoryview(b"")
        if memory.nbytes < _BESIDE_FROM_BYTES:
            return _extension(ARRAY, form, memory)
        index = self._keep(memory)
        return _Kept(lambda: _extension(ARRAY, form, memory), lambda: _numbered(ARRAY_BESIDE, index, form))

    def _bytes(self, memory: memoryview) -> Any:
        if memory.nbytes < _BESIDE_FROM_BYTES:
            return bytes(memory)
        flat = memory.cast("B") if memory.contiguous else memoryview(bytes(memory))
        index = self._keep(flat)
        return _Kept(lambda: bytes(flat), lambda: _numbered(BYTES_BESIDE, index))

    def _keep(self, memory: memoryview) -> int:
        self.buffers.append(memory)
        return len(self.buffers) - 1

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise self.refuse(f"the key {key!r}", "use a text")
        if key == "__proto__":
            raise self.refuse('the key "__proto__"', "name it otherwise")
        return key

    def _at(self, key: str | int, item: Any) -> Any:
        self.keys.append(key)
        portable = self.portable(item)
        self.keys.pop()
        return portable

    def _within(self, value: Any, body: Callable[[], Any]) -> Any:
        if id(value) in self.above:
            raise self.refuse("a reference back to what it is in", "break the circle")
        self.above.add(id(value))
        portable = body()
        self.above.discard(id(value))
        return portable
