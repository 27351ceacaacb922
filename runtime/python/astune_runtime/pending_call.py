"""One call as its caller keeps it, from `.remote()` until its references are settled."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .call_context import current_context
from .errors import InvalidOptionError, TaskCancelledError
from .failures import decode_failure, task_error
from .frames import CALL, CANCEL, CONSUMED, END, FAILED, ITEM, THREW, VALUES, Message
from .ids import task_id_of
from .object_ref import ObjectEntry, ObjectRef
from .object_stream import ObjectRefGenerator
from .packed import Companions, PackedValue, decode_packed, encode_packed, pack
from .peer import Peer

_call_ids = itertools.count(1)


@dataclass(frozen=True)
class CallFacts:
    """What is called, with what, and what may be done about it when it fails."""

    function_name: str
    method: str
    lane: str
    args: tuple[PackedValue | ObjectEntry, ...]
    num_returns: int
    streaming: bool
    backpressure: int = 0
    retries: int = 0
    retry_exceptions: bool = False


class CallOwner(Protocol):
    """What an actor's client, or the task runner, does when something happens to a call."""

    def register(self, call: PendingCall) -> None: ...

    def unregister(self, call: PendingCall) -> None: ...

    def retry(self, call: PendingCall) -> None: ...

    def finished(self, call: PendingCall) -> None: ...

    force_end: Callable[[PendingCall], None] | None
    """Ends the process that runs the call. None where a process is not the call's own: an actor's."""


def pack_arguments(args: tuple[Any, ...], function_name: str) -> tuple[PackedValue | ObjectEntry, ...]:
    """Values are packed when the call is made; references at the top level are waited for and replaced."""
    return tuple(
        arg.entry if isinstance(arg, ObjectRef) else pack(arg, f"argument {index} of {function_name}")
        for index, arg in enumerate(args)
    )


class PendingCall:
    """Made in any thread; everything after that on the runtime's loop."""

    def __init__(self, facts: CallFacts, owner: CallOwner, post: Callable[..., None]) -> None:
        self.call_id = next(_call_ids)
        self.task_id = task_id_of(self.call_id)
        self.facts = facts
        context = current_context()
        self.submitter = context.submitter if context else "driver"
        self.done = False
        self.cancelled = False
        self._siblings = context.children if context else None
        self._owner = owner
        self._post = post
        self._peer: Peer | None = None
        self._host_id = ""
        self._retries_left = facts.retries
        self._outputs: list[ObjectEntry] = []
        self._stream: weakref.ref[ObjectRefGenerator] | None = None

    def result(self) -> Any:
        """What `.remote()` gives: an ObjectRef, several, or an ObjectRefGenerator. Called once."""
        if self._siblings is not None:
            self._siblings.add(self)
        if self.facts.streaming:
            stream = ObjectRefGenerator(lambda: self._post(self._consumed), lambda: self._post(self.cancel, False, True))
            self._stream = weakref.ref(stream)
            return stream
        self._outputs = [ObjectEntry(self.ask_cancel) for _ in range(self.facts.num_returns)]
        refs = [ObjectRef(entry) for entry in self._outputs]
        return refs[0] if len(refs) == 1 else refs

    def when_ready(self, callback: Callable[[Exception | None], None]) -> None:
        """Calls back on the runtime's loop when all arguments are there, with the first error among them."""
        open_entries = [arg for arg in self.facts.args if isinstance(arg, ObjectEntry) and not arg.settled]
        left = [len(open_entries)]

        def done() -> None:
            errors = [arg.error for arg in self.facts.args if isinstance(arg, ObjectEntry) and arg.error is not None]
            callback(errors[0] if errors else None)

        def settled() -> None:
            left[0] -= 1
            if left[0] == 0:
                done()

        if not open_entries:
            done()
        for entry in open_entries:
            entry.on_settled(lambda: self._post(settled))

    def packed_arguments(self) -> list[PackedValue]:
        """The values. Only when ready."""
        return [arg.value if isinstance(arg, ObjectEntry) else arg for arg in self.facts.args]

    def send(self, peer: Peer, host_id: str, companions: Companions) -> None:
        """Sends the call to a host."""
        self._peer = peer
        self._host_id = host_id
        facts = self.facts
        args = self.packed_arguments()
        size = sum(len(arg.data) for arg in args)
        encoded = [encode_packed(arg, companions) for arg in args]
        self._owner.register(self)
        tail = (facts.lane, 0 if facts.streaming else facts.num_returns, facts.streaming)
        message = (CALL, self.call_id, host_id, facts.method, encoded, *tail, max(0, facts.backpressure))
        peer.send(message, size)

    def answer(self, message: Message, companions: Companions) -> None:
        """The host has answered."""
        if self.done:
            return
        kind = message[0]
        if kind == ITEM:
            stream = self._stream() if self._stream else None
            if stream is not None:
                stream.push(decode_packed(message[2], companions))
        elif kind == VALUES:
            self._finish()
            for entry, value in zip(self._outputs, message[2], strict=False):
                entry.fulfil(decode_packed(value, companions))
        elif kind == END:
            self._finish()
            self._end_stream(None)
        elif kind == FAILED:
            self.fail(decode_failure(message[2]))
        elif kind == THREW:
            _, _, failure, function_name, task_id, actor_id = message
            error = task_error(decode_failure(failure), function_name, task_id, actor_id or None)
            if self.facts.retry_exceptions and self.use_retry():
                self.detach()
                self._owner.retry(self)
            else:
                self.fail(error)

    def fail(self, error: Exception) -> None:
        """Fails all references of the call."""
        if self.done:
            return
        self._finish()
        for entry in self._outputs:
            entry.fail(error)
        self._end_stream(error)

    def use_retry(self) -> bool:
        """Uses up one retry; False if none is left. A stream is not retried: values are out."""
        if self._retries_left == 0 or self.facts.streaming:
            return False
        self._retries_left -= 1 if self._retries_left > 0 else 0
        return True

    def detach(self) -> None:
        """Hears no more of the host it was sent to."""
        self._owner.unregister(self)
        self._peer = None

    def ask_cancel(self, force: bool, recursive: bool) -> None:
        """Cancels, from any thread. Raises InvalidOptionError for `force` where the process is not the call's own."""
        if force and self._owner.force_end is None:
            name = self.facts.function_name
            text = f"force: expected False for {name}, an actor's method (kill() ends an actor), got True"
            raise InvalidOptionError(text, option="force")
        self._post(self.cancel, force, recursive)

    def cancel(self, force: bool, recursive: bool) -> None:
        """Its references fail at once; its host is told, or ended."""
        if self.done:
            return
        self.cancelled = True
        if self._peer is not None:
            self._peer.send((CANCEL, self._host_id, self.call_id, recursive))
        if force and self._owner.force_end is not None:
            self._owner.force_end(self)
        self.fail(TaskCancelledError(f"{self.facts.function_name} was cancelled", taskId=self.task_id))

    def _consumed(self) -> None:
        if self._peer is not None and not self.done:
            self._peer.send((CONSUMED, self._host_id, self.call_id, 1))

    def _end_stream(self, error: Exception | None) -> None:
        stream = self._stream() if self._stream else None
        if stream is not None:
            stream.end(error)

    def _finish(self) -> None:
        self.done = True
        if self._siblings is not None:
            self._siblings.discard(self)
        self._owner.unregister(self)
        self._owner.finished(self)
