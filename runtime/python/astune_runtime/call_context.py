"""What the running code can ask about itself. It travels with the code, whichever thread or coroutine it runs in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol


class Cancellable(Protocol):
    """A call that was made from here."""

    def cancel(self, force: bool, recursive: bool) -> None: ...


@dataclass(frozen=True)
class HostFacts:
    """What all calls of one host share."""

    node_id: str
    namespace: str
    actor_id: str | None = None
    actor_name: str | None = None
    restarts: int = 0
    gpu_ids: tuple[str, ...] = ()
    resources: dict[str, float] = field(default_factory=dict)
    placement_group_id: str | None = None
    exit: Callable[[], None] | None = None
    block: Callable[[], Callable[[], None]] | None = None


@dataclass(frozen=True)
class CallContext:
    """Facts about the call that is running."""

    host: HostFacts
    task_id: str
    function_name: str
    children: set[Cancellable] = field(default_factory=set)
    """What this call has called and is not answered yet. Changed in any thread, so copied before it is gone through."""

    def cancel_children(self) -> None:
        """On the runtime's loop, because the code itself may be waiting for one of them."""
        for child in self.children.copy():
            child.cancel(False, True)

    @property
    def submitter(self) -> str:
        """Who submits the calls made from here: their order is kept among themselves."""
        return self.host.actor_id or self.task_id


_current: ContextVar[CallContext | None] = ContextVar("astune_call", default=None)


def current_context() -> CallContext | None:
    """The context of the running call; None in a driver."""
    return _current.get()


def enter_context(context: CallContext) -> Any:
    """From now on, in this coroutine or thread, that call is running."""
    return _current.set(context)


@contextlib.contextmanager
def blocking() -> Iterator[None]:
    """Marks the running task as waiting: its CPUs are lent out meanwhile."""
    context = _current.get()
    unblock = context.host.block() if context and context.host.block else None
    try:
        yield
    finally:
        if unblock:
            unblock()
