"""The caller's end of a streaming call: one reference for each value that the remote generator yields."""

from __future__ import annotations

import asyncio
import collections
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .object_ref import ObjectEntry, ObjectRef


class ObjectRefGenerator:
    """`for ref in stream` and `async for ref in stream` give references in order; an error is the last of them.

    `close()`, or dropping the stream, ends the remote generator.
    """

    def __init__(self, taken: Callable[[], None], closed: Callable[[], None]) -> None:
        self._taken = taken
        self._closed = closed
        self._items: collections.deque[ObjectRef] = collections.deque()
        self._ended = False
        self._changed = threading.Condition()
        self._wakers: list[Callable[[], None]] = []

    def push(self, value: Any) -> None:
        """One more value has arrived."""
        entry = ObjectEntry()
        entry.fulfil(value)
        self._add(ObjectRef(entry))

    def end(self, error: Exception | None = None) -> None:
        """No more come; an error becomes the last reference."""
        if error is not None and not self._ended:
            entry = ObjectEntry()
            entry.fail(error)
            self._add(ObjectRef(entry))
        self._ended = True
        self._wake()

    def close(self) -> None:
        """Wants no more."""
        if not self._ended:
            self._items.clear()
            self.end()
            self._closed()

    def __iter__(self) -> Iterator[ObjectRef]:
        return self

    def __next__(self) -> ObjectRef:
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            if not self._items:
                raise StopIteration
            item = self._items.popleft()
        self._taken()
        return item

    def __aiter__(self) -> ObjectRefGenerator:
        return self

    async def __anext__(self) -> ObjectRef:
        while True:
            with self._changed:
                if self._items:
                    item = self._items.popleft()
                    break
                if self._ended:
                    raise StopAsyncIteration
                loop = asyncio.get_running_loop()
                changed = loop.create_future()
                self._wakers.append(lambda: loop.call_soon_threadsafe(lambda: changed.done() or changed.set_result(0)))
            await changed
        self._taken()
        return item

    async def aclose(self) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._ended:
            self._ended = True
            self._closed()

    def _add(self, ref: ObjectRef) -> None:
        if not self._ended:
            self._items.append(ref)
            self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()
