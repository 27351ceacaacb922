"""One incarnation of an actor: the instance, the lanes its calls queue in, the calls that run."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .actor_info import ActorInfo, has_async, kind_of
from .call_context import CallContext, HostFacts, enter_context
from .call_server import CallMessage, CallServer
from .errors import RuntimeEnvSetupError
from .ids import new_id
from .io_loop import IoLoop
from .packed import PackedValue
from .running_call import RunningCall, UserLoop
from .task_log import CallObserver


@dataclass(frozen=True)
class ActorHostOptions:
    """`on_exit` is called when the actor wants to end: `exit_actor()` or `__ray_terminate__`. `creation` watches the
    constructor.
    """

    cls: type
    info: ActorInfo
    max_concurrency: int
    facts: HostFacts
    calls: CallServer
    io: IoLoop
    user: UserLoop
    on_exit: Callable[[], None]
    observer: CallObserver
    creation: CallObserver


class _Lane:
    def __init__(self, limit: int, executor: Executor | None) -> None:
        self.limit = limit
        self.executor = executor
        self.waiting: dict[int, CallMessage] = {}
        self.running = 0


class ActorHost:
    """Told on the runtime's loop; everything else happens in the user's."""

    def __init__(self, options: ActorHostOptions) -> None:
        self._options = options
        self._running: dict[int, RunningCall] = {}
        self._instance: Any = None
        self._stopped = False
        self._exiting = False
        self._idle = asyncio.Event()
        self._idle.set()
        groups = options.info.data["concurrencyGroups"]
        limits = {"": options.max_concurrency, **groups}
        # One lane of one call keeps to the main thread; asynchronous classes overlap on their loop instead.
        threads = not has_async(options.cls) and (len(limits) > 1 or options.max_concurrency > 1)
        self._lanes = {
            name: _Lane(limit, ThreadPoolExecutor(limit, f"actor-{name or 'default'}") if threads else None)
            for name, limit in limits.items()
        }

    def check_methods(self) -> None:
        """Raises RuntimeEnvSetupError where the class is not what its handles say."""
        cls = self._options.cls
        for name, (kind, _) in self._options.info.kinds.items():
            if name.startswith("__"):
                continue
            function = getattr(cls, name, None)
            if not callable(function):
                known = ", ".join(each for each, value in vars(cls).items() if callable(value) and each[0] != "_")
                raise RuntimeEnvSetupError(f"{cls.__name__} has no method {name}; it has {known or 'none'}")
            found = kind_of(function)
            if "generator" in (kind, found) and kind != found:
                text = f"{cls.__name__}.{name} is declared as {kind}, but is {found}: correct the declaration"
                raise RuntimeEnvSetupError(text)

    def construct(self, args: tuple[PackedValue, ...]) -> None:
        """Runs the constructor; raises what it raises."""
        name = f"{self._options.cls.__name__}.__init__"
        context = CallContext(self._options.facts, new_id(), name)
        enter_context(context)
        watch = self._options.creation.began(context.task_id, name)
        try:
            self._instance = self._options.cls(*[arg.unpack() for arg in args])
        except BaseException as error:
            self._options.creation.failed(name, error, watch)
            raise
        finally:
            if watch is not None:
                watch.ended()

    def receive(self, message: CallMessage) -> None:
        self._options.user.post(self._add, message)

    def cancel(self, number: int, recursive: bool) -> None:
        if recursive and (call := self._running.get(number)):
            call.context.cancel_children()
        self._options.user.post(self._cancel, number)

    def consumed(self, number: int, count: int) -> None:
        self._options.user.post(self._consumed, number, count)

    def exit(self) -> None:
        """The actor ends of its own will, once the running calls have. In any thread."""
        self._options.user.post(self._exit)

    async def drain(self) -> None:
        """Starts nothing more, waits for what runs, then lets the instance end itself (`__ray_shutdown__`)."""
        self._stop()
        await self._idle.wait()
        shutdown = getattr(self._instance, "__ray_shutdown__", None)
        if shutdown is not None:
            ending = shutdown()
            if inspect.isawaitable(ending):
                await ending

    def _add(self, message: CallMessage) -> None:
        lane = self._lanes.get(message.lane)
        if lane is not None and not self._stopped:
            lane.waiting[message.number] = message
            self._pump(lane)

    def _pump(self, lane: _Lane) -> None:
        while lane.running < lane.limit and lane.waiting:
            message = lane.waiting.pop(next(iter(lane.waiting)))
            lane.running += 1
            name = f"{self._options.info.class_name}.{message.method}"
            context = CallContext(self._options.facts, message.task_id, name)
            options = self._options
            call = RunningCall(message, context, options.calls, options.io, lane.executor, options.observer)
            self._running[message.number] = call
            self._idle.clear()
            self._options.user.start(self._run(lane, call))

    async def _run(self, lane: _Lane, call: RunningCall) -> None:
        try:
            await call.run(self._code(call.message.method))
        finally:
            del self._running[call.message.number]
            self._options.io.post(self._options.calls.finished, call.message.number)
            lane.running -= 1
            if not self._running:
                self._idle.set()
            self._pump(lane)

    def _code(self, method: str) -> Callable[..., Any]:
        if method == "__ray_ready__":
            return lambda: True
        if method == "__ray_terminate__":
            return self._exit
        if method not in self._options.info.kinds:

            def missing(*_args: Any) -> None:
                raise AttributeError(f"{self._options.info.class_name} has no method {method}")

            return missing
        return getattr(self._instance, method)

    def _cancel(self, number: int) -> None:
        for lane in self._lanes.values():
            if lane.waiting.pop(number, None) is not None:
                self._options.io.post(self._options.calls.finished, number)
                return
        if call := self._running.get(number):
            call.cancel()

    def _consumed(self, number: int, count: int) -> None:
        if call := self._running.get(number):
            call.consumed(count)

    def _stop(self) -> None:
        self._stopped = True
        for lane in self._lanes.values():
            lane.waiting.clear()

    def _exit(self) -> None:
        if not self._exiting:
            self._exiting = True
            self._stop()
            self._options.on_exit()
