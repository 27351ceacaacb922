"""Values on their way: bytes with the references and handles found in them, and how those stand in a message."""

from __future__ import annotations

from typing import Any, Protocol

from .object_ref import ObjectRef
from .values import EncodedValue, ValueCodec


class HandleBase:
    """What an actor handle is an instance of, so that values can be walked without knowing handles."""


codec = ValueCodec(object_class=ObjectRef, actor_class=HandleBase)


class PackedValue:
    """A value's bytes with its references and handles. `stored_at` says where it lies, if that is in an object
    store.
    """

    stored_at: tuple[str, str, int] | None = None

    def __init__(self, data: bytes, objects: tuple[ObjectRef, ...] = (), actors: tuple[HandleBase, ...] = ()) -> None:
        self.data = data
        self.objects = objects
        self.actors = actors

    def unpack(self) -> Any:
        """The value, a fresh copy."""
        return codec.decode(self.data, self.objects, self.actors)


class Store(Protocol):
    """Where values go that are too large for a call."""

    def keep(self, encoded: EncodedValue) -> PackedValue: ...

    @property
    def is_open(self) -> bool: ...


_store: list[Store] = []


def use_store(store: Store) -> None:
    """This process's store, from now on."""
    _store[:] = [store]


class Companions(Protocol):
    """Makes descriptors of references and handles, and references and handles of descriptors."""

    def describe_object(self, ref: ObjectRef) -> tuple[str, str]: ...

    def describe_actor(self, handle: HandleBase) -> tuple[str, Any]: ...

    def object(self, descriptor: list[str]) -> ObjectRef: ...

    def actor(self, descriptor: list[Any]) -> HandleBase: ...

    def stored(self, at: list[Any], value: PackedValue) -> PackedValue:
        """A value that lies in an object store."""


def pack(value: Any, path: str) -> PackedValue:
    """Raises SerializationError with `path` and the way to the part that cannot travel. Not on the runtime's loop."""
    if not _store or not _store[0].is_open:
        encoded = codec.encode(value, path)
        return PackedValue(encoded.data, tuple(encoded.objects), tuple(encoded.actors))
    encoded = codec.encode_for_transfer(value, path)
    if encoded.is_large:
        return _store[0].keep(encoded)
    return PackedValue(encoded.data, tuple(encoded.objects), tuple(encoded.actors))


def encode_packed(packed: PackedValue, companions: Companions) -> Any:
    """The value as it stands in a message. On the runtime's loop."""
    if not packed.objects and not packed.actors and packed.stored_at is None:
        return packed.data
    objects = [companions.describe_object(ref) for ref in packed.objects]
    actors = [companions.describe_actor(handle) for handle in packed.actors]
    return [packed.data, objects, actors, *([list(packed.stored_at)] if packed.stored_at else [])]


def decode_packed(value: Any, companions: Companions) -> PackedValue:
    """The value of a message. On the runtime's loop."""
    if isinstance(value, bytes):
        return PackedValue(value)
    data, objects, actors, *at = value
    decoded = PackedValue(
        data,
        tuple(companions.object(descriptor) for descriptor in objects),
        tuple(companions.actor(descriptor) for descriptor in actors),
    )
    return companions.stored(at[0], decoded) if at else decoded
