"""The event loop of the runtime's own work, in a thread of its own, so that a user's code that blocks holds up no
message.
"""

from __future__ import annotations

import asyncio
import collections
import threading
import traceback
from collections.abc import Callable, Coroutine
from typing import Any


class IoLoop:
    """One loop in one daemon thread. Everything of sessions, calls and references happens there."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._queue: collections.deque[tuple[Callable[..., Any], tuple[Any, ...]]] = collections.deque()
        self._woken = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="astune-io", daemon=True)
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Whether the calling thread is the loop's."""
        return threading.current_thread() is self._thread

    def post(self, work: Callable[..., Any], *args: Any) -> None:
        """Runs `work` on the loop, after what was posted before. From any thread."""
        with self._lock:
            self._queue.append((work, args))
            if self._woken or self.loop.is_closed():
                return
            self._woken = True
        try:
            self.loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            # The loop was stopped meanwhile: the process is ending, and nobody waits for this.
            pass

    def run(self, coroutine: Coroutine[Any, Any, Any], timeout: float | None = None) -> Any:
        """Runs a coroutine on the loop and waits for its result, in another thread. Raises TimeoutError."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """Ends the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        if not self.is_here:
            self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def _drain(self) -> None:
        with self._lock:
            self._woken = False
            queue = list(self._queue)
            self._queue.clear()
        for work, args in queue:
            try:
                work(*args)
            except Exception:  # noqa: BLE001 one piece of work must not lose those after it
                traceback.print_exc()
