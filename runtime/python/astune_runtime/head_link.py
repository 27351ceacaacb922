"""This process's session with the head. A head that was started again is told who this process is before anything
else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .cluster_process import ClusterProcess
from .errors import RayError, RaySystemError
from .peer import Peer, PeerHandlers


class HeadLink:
    """Used on the runtime's loop."""

    def __init__(self, process: ClusterProcess, address: str, registration: dict[str, Any]) -> None:
        self._registration = registration
        self.on_event: Callable[[str, Any], None] = lambda _topic, _payload: None
        self.on_again: Callable[[], None] = lambda: None
        self.on_lost: Callable[[Exception], None] = lambda _error: None
        self.objects: Callable[[], list[dict[str, Any]]] = list
        """What this process owns and others know of."""
        handlers = PeerHandlers(
            request=lambda method, _payload, _peer: self._request(method),
            event=lambda topic, payload, _peer: self.on_event(topic, payload),
            up=lambda _peer, fresh: self._again() if fresh else None,
            ended=lambda _peer, error: self.on_lost(error),
        )
        self.peer: Peer = process.connect(address, handlers)

    def introduce(self, registration: dict[str, Any]) -> asyncio.Future[Any]:
        """Introduces this process anew: it works for another job now."""
        self._registration = registration
        return self.register()

    def register(self) -> asyncio.Future[Any]:
        """Introduces this process. Fails where the head turns it away."""
        return self.peer.ask("register", self._registration)

    def ask(self, method: str, payload: Any) -> asyncio.Future[Any]:
        return self.peer.ask(method, payload)

    def tell(self, topic: str, payload: Any) -> None:
        self.peer.tell(topic, payload)

    def _request(self, method: str) -> Any:
        if method == "objects":
            return self.objects()
        raise RaySystemError(f'a process does not know the question "{method}": is the head of another version?')

    def _again(self) -> None:
        async def introduce() -> None:
            try:
                await self.register()
            except RayError as error:
                self.peer.end(error)
                return
            self.on_again()

        asyncio.get_running_loop().create_task(introduce())
