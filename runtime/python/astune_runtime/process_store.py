"""This process's part in its node's object store: what it writes, what it reads, and what it owns."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from typing import Any

from .addresses import parse_address
from .errors import ObjectLostError
from .ids import new_id
from .io_loop import IoLoop
from .objects import length_of, object_parts, object_sections
from .packed import PackedValue, codec
from .peer import Peer
from .store import WritableSegments, read_segment
from .values import EncodedValue

_CHUNK_BYTES = 1 << 20
_IN_FLIGHT = 4


class StoredValue(PackedValue):
    """A value that lies in an object store. It is brought into this process when it is first wanted."""

    def __init__(self, stored_at: tuple[str, str, int], value: PackedValue, store: ProcessStore) -> None:
        super().__init__(value.data, value.objects, value.actors)
        self.stored_at = stored_at
        self._store = store
        self._memory: memoryview | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where it is prepared."""
        return self._store.io.loop

    async def prepare(self) -> None:
        """On the runtime's loop."""
        if self._memory is None:
            self._memory = await self._store.bring(self.stored_at)

    def unpack(self) -> Any:
        """The value; large arrays in it lie over the store's memory, read-only. Not on the runtime's loop."""
        memory = self._memory
        if memory is None:
            memory = self._store.io.run(self._store.bring(self.stored_at))
        # From now on only what was made of it holds the store's memory.
        self._memory = None
        sections = object_sections(memory)
        return codec.decode(sections.head, self.objects, self.actors, sections.buffers)


class ProcessStore:
    """Without a node (`open` was not called) values of any size travel in their calls, and stored ones are copied."""

    def __init__(self, io: IoLoop, peer: Callable[[str], Peer]) -> None:
        self.io = io
        self._peer = peer
        self._agent: Peer | None = None
        self._home: dict[str, str] = {}
        self._segments: WritableSegments | None = None
        self._writing = asyncio.Lock()
        self._released: dict[str, weakref.finalize] = {}

    def open(self, agent: Peer, home: dict[str, str]) -> None:
        """The node's store can be used from now on. `home`: nodeId, agentAddress, storeFolder."""
        self._agent = agent
        self._home = home
        self._segments = WritableSegments(home["storeFolder"])

    def keep(self, encoded: EncodedValue) -> PackedValue:
        """Stores a large value. Not on the runtime's loop. Raises ObjectStoreFullError."""
        value = PackedValue(b"", tuple(encoded.objects), tuple(encoded.actors))
        if self._agent is None or self._segments is None:
            raise ObjectLostError("this process is on no node")
        parts = object_parts(encoded.data, encoded.buffers)
        at = (new_id(), self._home["agentAddress"], length_of(parts))
        self.io.run(self._write(at, parts))
        return self.stored_here(at, value)

    @property
    def is_open(self) -> bool:
        return self._segments is not None

    def stored(self, at: list[Any], value: PackedValue) -> StoredValue:
        """A value that another process owns."""
        return StoredValue((at[0], at[1], int(at[2])), value, self)

    def stored_here(self, at: Any, value: PackedValue) -> StoredValue:
        """A value that this process owns: it is given back when it is no longer wanted."""
        stored = self.stored(at, value)
        finalizer = weakref.finalize(stored, self.io.post, self._release, stored.stored_at)
        finalizer.atexit = False
        self._released[at[0]] = finalizer
        return stored

    def gave_away(self, value: PackedValue, process_id: str) -> None:
        """An object that this process stored was the answer to a call: it is the caller's now."""
        if value.stored_at is None:
            return
        if finalizer := self._released.pop(value.stored_at[0], None):
            finalizer.detach()
        if self._agent is not None:
            self._agent.tell("store.owner", {"objectId": value.stored_at[0], "processId": process_id})

    async def bring(self, at: tuple[str, str, int]) -> memoryview:
        """The object's bytes: mapped where it lies on this node, copied before that where it lies on another."""
        object_id, agent, length = at
        if self._agent is None:
            return await self._copy(at)
        if parse_address(agent).node_id != self._home["nodeId"]:
            await self._agent.ask("store.pull", {"objectId": object_id, "agent": agent, "bytes": length})
        sealed = await self._agent.ask("store.pin", object_id)
        if sealed is None:
            raise ObjectLostError(f"object {object_id} is not in the store of its node", objectId=object_id)
        path = os.path.join(self._home["storeFolder"], sealed["segment"])
        return read_segment(path, int(sealed["bytes"]), lambda: self.io.post(self._tell, "store.unpin", object_id))

    async def _write(self, at: tuple[str, str, int], parts: list[Any]) -> None:
        agent, segments = self._agent, self._segments
        if agent is None or segments is None:
            raise ObjectLostError("this process is on no node", objectId=at[0])
        async with self._writing:
            room = await agent.ask("store.create", at[2])
            try:
                segments.write(room["segment"], int(room["capacityBytes"]), parts)
            except BaseException:
                await agent.ask("store.discard", room["segment"])
                raise
            await agent.ask("store.seal", {"segment": room["segment"], "objectId": at[0], "bytes": at[2]})

    async def _copy(self, at: tuple[str, str, int]) -> memoryview:
        """For a process that is on no node: the value is copied into its own memory."""
        object_id, agent, length = at
        copy = bytearray(length)
        offsets = list(range(0, length, _CHUNK_BYTES))

        async def run() -> None:
            while offsets:
                offset = offsets.pop()
                asked = {"objectId": object_id, "offset": offset, "length": min(_CHUNK_BYTES, length - offset)}
                part = await self._peer(agent).ask("store.chunk", asked)
                if part is None or len(part) != asked["length"]:
                    raise ObjectLostError(f"object {object_id} is not in the store of its node", objectId=object_id)
                copy[offset : offset + len(part)] = part

        await asyncio.gather(*[run() for _ in range(_IN_FLIGHT)])
        return memoryview(copy).toreadonly()

    def _release(self, at: tuple[str, str, int]) -> None:
        self._released.pop(at[0], None)
        if self._agent is not None and parse_address(at[1]).node_id == self._home["nodeId"]:
            self._tell("store.release", at[0])
        else:
            self._peer(at[1]).tell("store.release", at[0])

    def _tell(self, topic: str, payload: Any) -> None:
        if self._agent is not None:
            self._agent.tell(topic, payload)
