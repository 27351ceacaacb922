"""Values on their way: bytes with the references and handles found in them, and how those stand in a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .errors import RaySystemError
from .object_ref import ObjectRef
from .values import ValueCodec


class HandleBase:
    """What an actor handle is an instance of, so that values can be walked without knowing handles."""


codec = ValueCodec(object_class=ObjectRef, actor_class=HandleBase)


@dataclass(frozen=True)
class PackedValue:
    """A value's bytes with its references and handles."""

    data: bytes
    objects: tuple[ObjectRef, ...] = ()
    actors: tuple[HandleBase, ...] = ()

    def unpack(self) -> Any:
        """The value, a fresh copy."""
        return codec.decode(self.data, self.objects, self.actors)


class Companions(Protocol):
    """Makes descriptors of references and handles, and references and handles of descriptors."""

    def describe_object(self, ref: ObjectRef) -> tuple[str, str]: ...

    def describe_actor(self, handle: HandleBase) -> tuple[str, Any]: ...

    def object(self, descriptor: list[str]) -> ObjectRef: ...

    def actor(self, descriptor: list[Any]) -> HandleBase: ...


def pack(value: Any, path: str) -> PackedValue:
    """Raises SerializationError with `path` and the way to the part that cannot travel."""
    encoded = codec.encode(value, path)
    return PackedValue(encoded.data, tuple(encoded.objects), tuple(encoded.actors))


def encode_packed(packed: PackedValue, companions: Companions) -> Any:
    """The value as it stands in a message. On the runtime's loop."""
    if not packed.objects and not packed.actors:
        return packed.data
    objects = [companions.describe_object(ref) for ref in packed.objects]
    return [packed.data, objects, [companions.describe_actor(handle) for handle in packed.actors]]


def decode_packed(value: Any, companions: Companions) -> PackedValue:
    """The value of a message. On the runtime's loop."""
    if isinstance(value, bytes):
        return PackedValue(value)
    if len(value) > 3:
        raise RaySystemError("a value in the node's object store arrived at a process that does not read it")
    data, objects, actors = value
    return PackedValue(
        data,
        tuple(companions.object(descriptor) for descriptor in objects),
        tuple(companions.actor(descriptor) for descriptor in actors),
    )
