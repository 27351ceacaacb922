"""Another process as this one talks to it: questions with answers, events without, and the messages of calls.

Questions that are open when the other side forgets the session (a head that was started again) are asked once more.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .channel_options import MAX_PACKET_BYTES
from .errors import RayError, RaySystemError
from .failures import decode_failure, encode_failure
from .frames import CALL, EVENT, FAILED, ITEM, REFUSED, REQUEST, RESPONSE, THREW, VALUES, Message
from .session import Session


@dataclass(frozen=True)
class PeerHandlers:
    """What a process does with what another one sends. What `request` raises goes back as the error."""

    request: Callable[[str, Any, Peer], Any] | None = None
    event: Callable[[str, Any, Peer], None] | None = None
    call: Callable[[Message, Peer], None] | None = None
    up: Callable[[Peer, bool], None] | None = None
    down: Callable[[Peer, str], None] | None = None
    ended: Callable[[Peer, Exception], None] | None = None


class Peer:
    """Used on the event loop of its session only."""

    def __init__(self, process_id: str, handlers: PeerHandlers, session: Callable[[], Session]) -> None:
        self.process_id = process_id
        self._handlers = handlers
        self._session = session
        self._questions: dict[int, tuple[str, Any, asyncio.Future[Any]]] = {}
        self._last_question = 0
        # How often the other side has forgotten the session: what it asked before that, it does not wait for any more.
        self._forgotten = 0
        self._ended: Exception | None = None

    @property
    def session(self) -> Session:
        return self._session()

    def send(self, message: Message, size: int = 0) -> None:
        """Sends a message of a call. `size`: about how many bytes its values have."""
        self._session().send(message, size)

    def tell(self, topic: str, payload: Any) -> None:
        """Tells something that needs no answer."""
        self.send((EVENT, topic, payload))

    def ask(self, method: str, payload: Any) -> asyncio.Future[Any]:
        """Asks something. Fails with what the other side threw, or with why it cannot be reached any more."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._ended is not None:
            future.set_exception(self._ended)
            return future
        self._last_question = self._last_question % 0xFFFF_FFFF + 1
        self._questions[self._last_question] = (method, payload, future)
        self.send((REQUEST, self._last_question, method, payload))
        return future

    def end(self, error: Exception) -> None:
        """Ends the session."""
        self._session().end(error)

    def message(self, message: Message) -> None:
        kind = message[0]
        if kind == REQUEST:
            self._answer(*message[1:4])
        elif kind in (RESPONSE, REFUSED):
            _, _, future = self._questions.pop(message[1], (None, None, None))
            if future is None or future.done():
                return
            if kind == RESPONSE:
                future.set_result(message[2])
            else:
                future.set_exception(decode_failure(message[2]))
        elif kind == EVENT:
            if self._handlers.event:
                self._handlers.event(message[1], message[2], self)
        elif self._handlers.call:
            self._handlers.call(message, self)

    def up(self, fresh: bool) -> None:
        again = list(self._questions.items()) if fresh else []
        self._forgotten += fresh
        # The owner introduces itself again before what was open is asked again.
        if self._handlers.up:
            self._handlers.up(self, fresh)
        for number, (method, payload, _) in again:
            self.send((REQUEST, number, method, payload))

    def down(self, reason: str) -> None:
        if self._handlers.down:
            self._handlers.down(self, reason)

    def too_large(self, message: Message, size: int) -> None:
        """Whoever waits for what this message would have brought learns that it cannot be sent."""
        limit = MAX_PACKET_BYTES >> 20
        error = RaySystemError(
            f"a message of {-(-size >> 20)} MiB cannot be sent, at most {limit} MiB can: send less at once"
        )
        kind = message[0]
        if kind == REQUEST:
            _, _, future = self._questions.pop(message[1], (None, None, None))
            if future is not None and not future.done():
                future.set_exception(error)
        elif kind == RESPONSE:
            self.send((REFUSED, message[1], encode_failure(error)))
        elif kind == CALL:
            self.message((FAILED, message[1], encode_failure(error)))
        elif kind in (VALUES, ITEM, THREW):
            self.send((FAILED, message[1], encode_failure(error)))
        else:
            self.end(error)

    def ended(self, error: Exception) -> None:
        self._ended = error
        for _, _, future in self._questions.values():
            if not future.done():
                future.set_exception(error)
                # Whoever asked may have gone.
                future.exception()
        self._questions.clear()
        if self._handlers.ended:
            self._handlers.ended(self, error)

    def _answer(self, number: int, method: str, payload: Any) -> None:
        try:
            if not self._handlers.request:
                raise RaySystemError(f'this process does not know the question "{method}"')
            answer = self._handlers.request(method, payload, self)
        except Exception as error:  # noqa: BLE001 it goes back to who asked
            self._refuse(number, method, error)
            return
        if not inspect.isawaitable(answer):
            self.send((RESPONSE, number, answer))
            return

        def answered(future: asyncio.Future[Any]) -> None:
            error = future.exception()
            if forgotten != self._forgotten:
                # The numbers of questions begin anew with it: this would be taken for the answer to another one.
                return
            if error is None:
                self.send((RESPONSE, number, future.result()))
            else:
                self._refuse(number, method, error)

        forgotten = self._forgotten
        asyncio.ensure_future(answer).add_done_callback(answered)

    def _refuse(self, number: int, method: str, error: BaseException) -> None:
        if not isinstance(error, RayError):
            traceback.print_exception(error)
            error = RaySystemError(f"{method} failed: {type(error).__name__}: {error}")
        self.send((REFUSED, number, encode_failure(error)))
