"""Runs one call on the host's side, in the user's loop: its arguments, its code, its values, its stream or its
error.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from .actor_info import kind_of
from .call_context import CallContext, enter_context
from .call_server import CallMessage, CallServer
from .errors import ActorDiedError, AsyncioActorExit, RayError
from .failures import encode_failure
from .io_loop import IoLoop
from .packed import PackedValue, pack
from .process_store import StoredValue
from .task_log import CallObserver, Watch

_DONE = object()


class RunningCall:
    """One call while its code runs. `consumed` and `cancel` are called in the user's loop."""

    def __init__(
        self,
        message: CallMessage,
        context: CallContext,
        calls: CallServer,
        io: IoLoop,
        executor: Executor | None,
        observer: CallObserver,
    ) -> None:
        self.message = message
        self.context = context
        self._calls = calls
        self._io = io
        self._observer = observer
        self._watch: Watch | None = None
        self._executor = executor
        self._unread = 0
        self._closed = False
        self._resume = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None
        self._is_async = False

    async def run(self, code: Callable[..., Any]) -> None:
        """Runs `code` with the call's arguments and answers. Never raises for what the code does."""
        self._task = asyncio.current_task()
        enter_context(self.context)
        self._watch = self._observer.began(self.context.task_id, self.context.function_name)
        try:
            await self._answer(code)
        finally:
            if self._watch is not None:
                self._watch.ended()

    async def _answer(self, code: Callable[..., Any]) -> None:
        number = self.message.number
        try:
            args = [await _brought(arg) for arg in self.message.args]
            self._is_async = kind_of(code) == "async" or inspect.isasyncgenfunction(code)
            if self._closed:
                # It was cancelled before it began.
                return
            result = await self._call(code, args)
            if self.message.streaming:
                await self._stream(result)
                self._io.post(self._calls.end, number)
                return
            if inspect.isawaitable(result):
                self._is_async = True
                result = await result
            self._io.post(self._calls.values, number, self._pack(result))
        except asyncio.CancelledError:
            # Whoever cancelled it has been answered.
            error = asyncio.CancelledError("the call was cancelled")
            if self._closed:
                self._observer.failed(self.context.function_name, error, self._watch)
            else:
                self._threw(error)
        except AsyncioActorExit:
            facts = {"actorId": self.context.host.actor_id, "className": self.context.function_name.split(".")[0]}
            error = ActorDiedError(f"{facts['className']} left with exit_actor()", **facts)
            self._io.post(self._calls.failed, number, encode_failure(error))
        except SystemExit as leaving:
            os._exit(leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None))
        except BaseException as error:  # noqa: BLE001 whatever the code raises is the caller's
            self._threw(error)

    def consumed(self, count: int) -> None:
        """So many more values were taken."""
        self._unread -= count
        self._resume.set()

    def cancel(self) -> None:
        """Nobody waits for it any more: asynchronous code is cancelled, a generator ended at its next value."""
        self._closed = True
        self._resume.set()
        if self._task is not None and self._is_async:
            self._task.cancel()

    async def _call(self, code: Callable[..., Any], args: list[Any]) -> Any:
        if self._executor is None or self._is_async:
            return code(*args)
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: context.run(code, *args))

    async def _stream(self, values: Any) -> None:
        if inspect.isawaitable(values):
            values = await values
        if not hasattr(values, "__anext__") and not hasattr(values, "__iter__"):
            raise TypeError(f"{self.context.function_name} is declared as streaming, but gave no generator")
        is_async = hasattr(values, "__anext__")
        iterator = values if is_async else iter(values)
        where = f"a value of {self.context.function_name}"
        try:
            while not self._closed:
                value = await (anext(iterator, _DONE) if is_async else self._call(next, [iterator, _DONE]))
                if value is _DONE or self._closed:
                    return
                self._unread += 1
                self._io.post(self._calls.item, self.message.number, pack(value, where))
                limit = self.message.backpressure
                while not self._closed and limit > 0 and self._unread >= limit:
                    self._resume.clear()
                    await self._resume.wait()
        finally:
            close = getattr(iterator, "aclose" if is_async else "close", None)
            if close is not None:
                closing = close()
                if inspect.isawaitable(closing):
                    await closing

    def _pack(self, value: Any) -> list[PackedValue]:
        where = f"the result of {self.context.function_name}"
        if inspect.isgenerator(value) or inspect.isasyncgen(value):
            raise RayError(f'{where} is a generator: declare it with @method(num_returns="streaming")')
        count = self.message.num_returns
        if count == 1:
            return [pack(value, where)]
        if not isinstance(value, (list, tuple)) or len(value) != count:
            raise RayError(f"{where} should be a list of {count} values (num_returns)")
        return [pack(item, f"{where}[{index}]") for index, item in enumerate(value)]

    def _threw(self, error: BaseException) -> None:
        context = self.context
        actor_id = context.host.actor_id or ""
        name = context.function_name
        self._observer.failed(name, error, self._watch)
        failure = encode_failure(error)
        self._io.post(self._calls.threw, self.message.number, failure, name, context.task_id, actor_id)


async def _brought(arg: PackedValue) -> Any:
    """The argument's value; one that lies in a store is brought here first."""
    if isinstance(arg, StoredValue):
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(arg.prepare(), arg.loop))
    return arg.unpack()


class UserLoop:
    """The event loop of a user's code, in the process's main thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.main_thread()
        self._tasks: set[asyncio.Task[Any]] = set()

    def post(self, work: Callable[..., Any], *args: Any) -> None:
        """Runs `work` in the loop, after what was posted before. From any thread."""
        self.loop.call_soon_threadsafe(work, *args)

    def start(self, coroutine: Any) -> asyncio.Task[Any]:
        """Runs a coroutine beside the others. In the loop."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
