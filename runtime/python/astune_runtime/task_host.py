"""Runs the tasks that a host process is leased for, one after another."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Callable
from typing import Any

from .call_context import CallContext, HostFacts
from .call_server import CallMessage, CallServer
from .errors import RayError, RaySystemError
from .failures import encode_failure
from .io_loop import IoLoop
from .modules import Code, code_of
from .running_call import RunningCall, UserLoop
from .task_log import CallObserver


class TaskHost:
    """Told on the runtime's loop; tasks run in the user's."""

    def __init__(
        self,
        lease_id: str,
        facts: HostFacts,
        calls: CallServer,
        io: IoLoop,
        user: UserLoop,
        tell: Callable[[str, Any], None],
        observer: CallObserver,
    ) -> None:
        self._lease_id = lease_id
        self._facts = dataclasses.replace(facts, block=self._block)
        self._calls = calls
        self._io = io
        self._user = user
        self._tell = tell
        self._observer = observer
        self._queue: collections.deque[CallMessage] = collections.deque()
        self._running: RunningCall | None = None
        self._busy = False
        self._blocked = 0
        self._loaded: dict[str, Code] = {}

    def receive(self, message: CallMessage) -> None:
        self._queue.append(message)
        if not self._busy:
            self._next()
        elif self._blocked > 0:
            self._return()

    def cancel(self, number: int, recursive: bool) -> None:
        waiting = [message for message in self._queue if message.number == number]
        for message in waiting:
            self._queue.remove(message)
            self._calls.finished(number)
        call = self._running
        if call is not None and call.message.number == number:
            if recursive:
                call.context.cancel_children()
            self._user.post(call.cancel)

    def consumed(self, number: int, count: int) -> None:
        call = self._running
        if call is not None and call.message.number == number:
            self._user.post(call.consumed, count)

    def end(self) -> bool:
        """The lease ends: True where the process is free for others."""
        self._calls.hosts.pop(self._lease_id, None)
        self._queue.clear()
        return not self._busy

    def _next(self) -> None:
        self._busy = bool(self._queue)
        if self._queue:
            message = self._queue.popleft()
            self._user.post(lambda: self._user.start(self._run(message)))

    async def _run(self, message: CallMessage) -> None:
        try:
            code = self._code(message.method)
            context = CallContext(self._facts, message.task_id, getattr(code, "__name__", message.method))
            self._running = RunningCall(message, context, self._calls, self._io, None, self._observer)
            await self._running.run(code)
        except Exception as error:  # noqa: BLE001 the code could not be had
            known = error if isinstance(error, RayError) else RaySystemError(str(error))
            self._io.post(self._calls.failed, message.number, encode_failure(known))
        finally:
            self._running = None
            self._io.post(self._calls.finished, message.number)
            self._io.post(self._next)

    def _code(self, method: str) -> Code:
        code = self._loaded.get(method)
        if code is None:
            code = self._loaded[method] = code_of(json.loads(method.removeprefix("python:")))
        return code

    def _block(self) -> Callable[[], None]:
        """The running task waits for others: its CPUs are lent out, and nothing waits behind it."""
        self._io.post(self._count, 1)
        return lambda: self._io.post(self._count, -1)

    def _count(self, change: int) -> None:
        self._blocked += change
        if change == 1 and self._blocked == 1:
            self._tell("blocked", self._lease_id)
            self._return()
        elif self._blocked == 0:
            self._tell("unblocked", self._lease_id)

    def _return(self) -> None:
        numbers = [message.number for message in self._queue]
        self._queue.clear()
        for peer, call_id in self._calls.take_back(numbers):
            peer.tell("tasksReturned", {"leaseId": self._lease_id, "callIds": [call_id]})
