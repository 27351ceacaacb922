"""Calls that arrive from other processes: each goes to the host it names, and its answers go back to whoever made it.

Callers number their calls each for themselves, so a call gets a number of this process here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import ActorDiedError
from .failures import encode_failure
from .frames import END, FAILED, ITEM, THREW, VALUES, Message
from .ids import task_id_of
from .packed import Companions, PackedValue, decode_packed, encode_packed
from .peer import Peer


@dataclass(frozen=True)
class CallMessage:
    """A call as its host runs it."""

    number: int
    method: str
    args: tuple[PackedValue, ...]
    task_id: str
    lane: str
    num_returns: int
    streaming: bool
    backpressure: int


class Host(Protocol):
    """What runs calls: an actor, or tasks. Told on the runtime's loop."""

    def receive(self, message: CallMessage) -> None: ...

    def cancel(self, number: int, recursive: bool) -> None: ...

    def consumed(self, number: int, count: int) -> None: ...


class CallServer:
    """Used on the runtime's loop."""

    def __init__(self, companions: Companions, gave_away: Callable[[PackedValue, str], None]) -> None:
        self._gave_away = gave_away
        self.hosts: dict[str, Host] = {}
        self._companions = companions
        self._numbers = itertools.count(1)
        self._callers: dict[int, tuple[Peer, int]] = {}
        self._by_caller: dict[tuple[Peer, int], int] = {}
        self._cancelled: dict[int, str] = {}

    def call(self, message: Message, peer: Peer) -> None:
        _, call_id, host_id, method, args, lane, num_returns, streaming, backpressure = message
        host = self.hosts.get(host_id)
        if host is None:
            facts = {"actorId": host_id.partition("#")[0], "className": ""}
            error = ActorDiedError("the actor is not in this process (any more)", **facts)
            peer.send((FAILED, call_id, encode_failure(error)))
            return
        number = next(self._numbers)
        self._callers[number] = (peer, call_id)
        self._by_caller[peer, call_id] = number
        values = tuple(decode_packed(arg, self._companions) for arg in args)
        task_id = task_id_of(call_id, peer.process_id)
        host.receive(CallMessage(number, method, values, task_id, lane, num_returns, streaming, backpressure))

    def cancel(self, host_id: str, call_id: int, recursive: bool, peer: Peer) -> None:
        number = self._by_caller.get((peer, call_id))
        host = self.hosts.get(host_id)
        if number is None or host is None:
            peer.tell("callEnded", {"hostId": host_id, "callId": call_id})
            return
        # Its caller wants no answer, only to know when it has ended.
        self._cancelled[number] = host_id
        host.cancel(number, recursive)

    def finished(self, number: int) -> None:
        """The code has really ended, or never begun."""
        host_id = self._cancelled.get(number)
        caller = self._callers.get(number)
        if host_id is not None and caller is not None:
            caller[0].tell("callEnded", {"hostId": host_id, "callId": caller[1]})
        self._forget(number)

    def consumed(self, host_id: str, call_id: int, count: int, peer: Peer) -> None:
        number = self._by_caller.get((peer, call_id))
        if number is not None and (host := self.hosts.get(host_id)):
            host.consumed(number, count)

    def take_back(self, numbers: list[int]) -> list[tuple[Peer, int]]:
        """Drops calls that their caller makes again elsewhere. Gives their numbers there."""
        callers = [self._callers[number] for number in numbers if number in self._callers]
        for number in numbers:
            self._forget(number)
        return callers

    def values(self, number: int, values: list[PackedValue]) -> None:
        """The call's results."""
        caller = self._callers.get(number)
        if caller is None or number in self._cancelled:
            return
        encoded = [self._give(value, caller[0]) for value in values]
        self._reply(number, VALUES, (encoded,), sum(len(value.data) for value in values))

    def item(self, number: int, value: PackedValue) -> None:
        """One value of a stream."""
        if number in self._callers and number not in self._cancelled:
            peer, call_id = self._callers[number]
            peer.send((ITEM, call_id, self._give(value, peer)), len(value.data))

    def end(self, number: int) -> None:
        """A stream is over."""
        self._reply(number, END)

    def threw(self, number: int, failure: Any, function_name: str, task_id: str, actor_id: str) -> None:
        """The called code raised."""
        self._reply(number, THREW, (failure, function_name, task_id, actor_id))

    def failed(self, number: int, failure: Any) -> None:
        """The runtime refuses to go on."""
        self._reply(number, FAILED, (failure,))

    def _give(self, value: PackedValue, peer: Peer) -> Any:
        self._gave_away(value, peer.process_id)
        return encode_packed(value, self._companions)

    def _reply(self, number: int, kind: int, fields: tuple[Any, ...] = (), size: int = 0) -> None:
        caller = self._callers.get(number)
        if caller is not None and number not in self._cancelled:
            self._forget(number)
            peer, call_id = caller
            peer.send((kind, call_id, *fields), size)

    def _forget(self, number: int) -> None:
        self._cancelled.pop(number, None)
        caller = self._callers.pop(number, None)
        if caller is not None:
            self._by_caller.pop(caller, None)
