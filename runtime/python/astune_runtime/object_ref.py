"""References to values that exist or will exist, and the slot behind each: one value or one error, and who waits
for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from typing import Any

from .call_context import blocking
from .errors import GetTimeoutError
from .ids import new_id

_lock = threading.Lock()


class ObjectEntry:
    """The slot. Settled on the runtime's loop, read in any thread."""

    __slots__ = ("__weakref__", "_fetch", "_id", "_listeners", "cancel", "error", "owner", "settled", "value")

    def __init__(self, cancel: Callable[[bool, bool], None] | None = None) -> None:
        self._id: str | None = None
        self._listeners: list[Callable[[], None]] | None = None
        self._fetch: Callable[[], None] | None = None
        self.cancel = cancel
        self.settled = False
        self.value: Any = None
        self.error: Exception | None = None
        self.owner: str | None = None

    @classmethod
    def borrowed(cls, object_id: str, owner: str, fetch: Callable[[], None]) -> ObjectEntry:
        """The slot of an object that another process owns; `fetch` is called once, when the value is first wanted."""
        entry = cls()
        entry._id = object_id
        entry._fetch = fetch
        entry.owner = owner
        return entry

    @property
    def id(self) -> str:
        with _lock:
            if self._id is None:
                self._id = new_id()
            return self._id

    def fulfil(self, value: Any) -> None:
        """`value` is a packed value."""
        self._settle(value, None)

    def fail(self, error: Exception) -> None:
        self._settle(None, error)

    def on_settled(self, listener: Callable[[], None]) -> None:
        """Calls back once, when it is settled (at once if it is), in the thread that settles it."""
        with _lock:
            fetch, self._fetch = self._fetch, None
            waits = not self.settled
            if waits:
                if self._listeners is None:
                    self._listeners = []
                self._listeners.append(listener)
        if fetch:
            fetch()
        if not waits:
            listener()

    def demand(self) -> None:
        """Fetches the value if nobody has yet."""
        self.on_settled(lambda: None)

    def read(self) -> Any:
        """The value, a fresh copy, or raises the error. Only when settled."""
        if self.error is not None:
            raise self.error.with_traceback(None)
        return self.value.unpack()

    def _settle(self, value: Any, error: Exception | None) -> None:
        with _lock:
            if self.settled:
                return
            self.settled = True
            self.value = value
            self.error = error
            listeners, self._listeners = self._listeners, None
        for listener in listeners or ():
            listener()


class ObjectRef:
    """A reference to a value. `await ref` gives the value in asynchronous code, `get(ref)` in any other."""

    __slots__ = ("_entry",)

    def __init__(self, entry: ObjectEntry) -> None:
        self._entry = entry

    @property
    def id(self) -> str:
        return self._entry.id

    @property
    def entry(self) -> ObjectEntry:
        """The slot, for the runtime's own use."""
        return self._entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectRef) and other._entry is self._entry

    def __hash__(self) -> int:
        return id(self._entry)

    def __repr__(self) -> str:
        return f"ObjectRef({self.id})"

    def __await__(self) -> Generator[Any, None, Any]:
        return self._value().__await__()

    async def _value(self) -> Any:
        entry = self._entry
        if not entry.settled:
            loop = asyncio.get_running_loop()
            settled = loop.create_future()

            def wake() -> None:
                try:
                    loop.call_soon_threadsafe(lambda: settled.done() or settled.set_result(None))
                except RuntimeError:
                    return

            entry.on_settled(wake)
            with blocking():
                await settled
        prepare = getattr(entry.value, "prepare", None)
        if prepare is not None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(prepare(), entry.value.loop))
        return entry.read()

    def result(self, timeout: float | None = None) -> Any:
        """Blocks until the value is there. Raises GetTimeoutError after `timeout` seconds."""
        wait_settled([self._entry], 1, timeout, "the value")
        return self._entry.read()


def wait_settled(entries: list[ObjectEntry], count: int, timeout: float | None, what: str | None) -> None:
    """Blocks until `count` of the entries are settled. Late, it raises GetTimeoutError, or nothing where `what` is
    None.
    """
    left = [count]
    enough = threading.Event()

    def settled() -> None:
        with _lock:
            left[0] -= 1
            done = left[0] <= 0
        if done:
            enough.set()

    for entry in entries:
        entry.on_settled(settled)
    if enough.is_set():
        return
    with blocking():
        if not enough.wait(timeout) and what is not None:
            raise GetTimeoutError(f"{what} was not ready after {timeout} s")
