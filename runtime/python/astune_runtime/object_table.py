"""References that cross processes. The process that made an object owns it and keeps its value while anyone borrows it.

Others register with the owner, ask it for the value when they want it, and say when they are done.
See `runtime/cluster/object-table.ts`.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from .errors import OwnerDiedError, RayError, RaySystemError
from .failures import decode_failure, encode_failure
from .io_loop import IoLoop
from .object_ref import ObjectEntry, ObjectRef
from .packed import HandleBase, PackedValue, decode_packed, encode_packed
from .peer import Peer
from .process_store import ProcessStore

_ON_THE_WAY_S = 10.0
"""A descriptor may be on its way for so long before its receiver registers."""


class Handles(Protocol):
    """Makes descriptors of handles, and handles of descriptors."""

    def describe_actor(self, handle: HandleBase) -> tuple[str, Any]: ...

    def actor(self, descriptor: list[Any]) -> HandleBase: ...


class _Exported:
    def __init__(self, entry: ObjectEntry) -> None:
        self.entry = entry
        self.borrowers: dict[str, int] = {}
        self.timer: asyncio.TimerHandle | None = None


class ObjectTable:
    """Used on the runtime's loop."""

    def __init__(
        self,
        io: IoLoop,
        address: Callable[[], str],
        peer: Callable[[str], Peer],
        handles: Handles,
        store: ProcessStore,
        borrowing: Callable[[], object],
    ) -> None:
        self.is_gone: Callable[[str], Awaitable[bool]] | None = None
        self._borrowing = borrowing
        self._io = io
        self._store = store
        self._address = address
        self._peer = peer
        self._handles = handles
        self._exported: dict[str, _Exported] = {}
        self._borrowed: dict[str, tuple[weakref.ref[ObjectEntry], str]] = {}

    @property
    def exported_count(self) -> int:
        """Objects of this process that others may know of."""
        return len(self._exported)

    def facts(self) -> list[dict[str, Any]]:
        """The objects that this process has given others references of."""
        return [_facts(object_id, own) for object_id, own in self._exported.items()]

    def describe_object(self, ref: ObjectRef) -> tuple[str, str]:
        entry = ref.entry
        if entry.owner is not None:
            return entry.id, entry.owner
        own = self._exported.setdefault(entry.id, _Exported(entry))
        if not own.borrowers:
            self._expire(entry.id, own)
        return entry.id, self._address()

    def object(self, descriptor: list[str]) -> ObjectRef:
        object_id, owner = descriptor
        if own := self._exported.get(object_id):
            return ObjectRef(own.entry)
        known = self._borrowed.get(object_id)
        entry = known[0]() if known else None
        return ObjectRef(entry if entry is not None else self._borrow(object_id, owner))

    def describe_actor(self, handle: HandleBase) -> tuple[str, Any]:
        return self._handles.describe_actor(handle)

    def actor(self, descriptor: list[Any]) -> HandleBase:
        return self._handles.actor(descriptor)

    def stored(self, at: list[Any], value: PackedValue) -> PackedValue:
        return self._store.stored(at, value)

    @property
    def as_owner(self) -> OwnedTable:
        """The same, for answers to calls of this process: it owns what they give."""
        return OwnedTable(self, self._store)

    def borrowed_by(self, process_id: str, object_id: str) -> None:
        """Somebody borrows an object of this process."""
        own = self._exported.get(object_id)
        if own is None:
            return
        if own.timer:
            own.timer.cancel()
        own.borrowers[process_id] = own.borrowers.get(process_id, 0) + 1

    def dropped_by(self, process_id: str, object_id: str) -> None:
        own = self._exported.get(object_id)
        count = own.borrowers.get(process_id) if own else None
        if own is None or count is None:
            return
        if count > 1:
            own.borrowers[process_id] = count - 1
        else:
            del own.borrowers[process_id]
        if not own.borrowers:
            self._expire(object_id, own)

    def process_gone(self, process_id: str) -> None:
        """A process is gone, and with it all that it borrowed; what it owned is lost."""
        for object_id, own in list(self._exported.items()):
            if own.borrowers.pop(process_id, None) is not None and not own.borrowers:
                self._expire(object_id, own)
        for object_id, (known, owner) in list(self._borrowed.items()):
            entry = known()
            if owner.startswith(f"{process_id}|") and entry is not None:
                entry.fail(_owner_died(object_id))

    async def fetched(self, object_id: str) -> Any:
        """The value, as soon as it is there."""
        own = self._exported.get(object_id)
        if own is None:
            error = OwnerDiedError(f"object {object_id} was given back by its owner", objectId=object_id)
            return {"failure": encode_failure(error)}
        settled = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not settled.done():
                settled.set_result(None)

        own.entry.on_settled(lambda: self._io.post(wake))
        await settled
        if own.entry.error is not None:
            return {"failure": encode_failure(own.entry.error)}
        return {"value": encode_packed(own.entry.value, self)}

    def close(self) -> None:
        for own in self._exported.values():
            if own.timer:
                own.timer.cancel()
        self._exported.clear()

    def _expire(self, object_id: str, own: _Exported) -> None:
        if own.timer:
            own.timer.cancel()
        own.timer = asyncio.get_running_loop().call_later(_ON_THE_WAY_S, self._exported.pop, object_id, None)

    def _borrow(self, object_id: str, owner: str) -> ObjectEntry:
        known: list[weakref.ref[ObjectEntry]] = []

        def fetch() -> None:
            # The entry stays until its value is there, since somebody waits for it.
            self._io.post(self._fetch, known[0](), object_id, owner)

        entry = ObjectEntry.borrowed(object_id, owner, fetch)
        known.append(weakref.ref(entry))
        self._borrowed[object_id] = (known[0], owner)
        weakref.finalize(entry, self._io.post, self._drop, object_id, owner).atexit = False
        entry.cancel = lambda force, recursive: self._ask_cancel(owner, object_id, force, recursive)
        self._borrowing()
        self._peer(owner).tell("borrow", object_id)
        return entry

    def cancelled(self, object_id: str, options: dict[str, Any]) -> None:
        """A borrower cancels the call that an object of this process is of. Raises InvalidOptionError for `force`
        where that cannot be.
        """
        own = self._exported.get(object_id)
        if own is not None and own.entry.cancel is not None and not own.entry.settled:
            own.entry.cancel(options.get("force") is True, options.get("recursive") is not False)

    def _ask_cancel(self, owner: str, object_id: str, force: bool, recursive: bool) -> None:
        """In any thread. Only an answer to `force` is waited for: its owner may refuse it."""

        async def asking() -> None:
            await self._peer(owner).ask("cancel", {"id": object_id, "options": options})

        options = {"force": force, "recursive": recursive}
        if force and not self._io.is_here:
            self._io.run(asking())
        else:
            self._io.post(lambda: asyncio.ensure_future(asking()).add_done_callback(lambda done: done.exception()))

    async def _give_up_if_gone(self, peer: Peer) -> None:
        """Its end may have been told before this process listened."""
        try:
            if self.is_gone is not None and await self.is_gone(peer.process_id):
                peer.end(RaySystemError(f"process {peer.process_id} is gone"))
        except RayError:
            return

    def _fetch(self, entry: ObjectEntry | None, object_id: str, owner: str) -> None:
        if entry is None:
            return
        peer = self._peer(owner)
        asking = peer.ask("fetch", object_id)
        if not peer.session.is_up:
            asyncio.get_running_loop().create_task(self._give_up_if_gone(peer))

        def answered(future: asyncio.Future[Any]) -> None:
            error = future.exception()
            if error is not None:
                entry.fail(_owner_died(object_id, error))
            elif "failure" in future.result():
                entry.fail(decode_failure(future.result()["failure"]))
            else:
                entry.fulfil(decode_packed(future.result()["value"], self))

        asking.add_done_callback(answered)

    def _drop(self, object_id: str, owner: str) -> None:
        # It may have been borrowed anew before the old entry was collected.
        known = self._borrowed.get(object_id)
        if known is not None and known[0]() is None:
            del self._borrowed[object_id]
        self._peer(owner).tell("drop", object_id)


class OwnedTable:
    """The companions of answers: what is stored for them belongs to whoever called."""

    def __init__(self, table: ObjectTable, store: ProcessStore) -> None:
        self.describe_object = table.describe_object
        self.describe_actor = table.describe_actor
        self.object = table.object
        self.actor = table.actor
        self.stored = store.stored_here


def _facts(object_id: str, own: _Exported) -> dict[str, Any]:
    entry = own.entry
    state = "PENDING" if not entry.settled else "FAILED" if entry.error is not None else "READY"
    value: PackedValue | None = entry.value
    size = None if value is None else value.stored_at[2] if value.stored_at else len(value.data)
    return {"objectId": object_id, "state": state, "sizeBytes": size, "borrowers": len(own.borrowers)}


def _owner_died(object_id: str, cause: BaseException | None = None) -> OwnerDiedError:
    error = OwnerDiedError(f"object {object_id} is lost: the process that owned it is gone", objectId=object_id)
    error.__cause__ = cause
    return error
