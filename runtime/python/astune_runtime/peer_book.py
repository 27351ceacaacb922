"""The other processes that this one talks to, each over one session, whoever opened it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .addresses import parse_address
from .dial import DialOptions, dial
from .errors import RaySystemError
from .peer import Peer, PeerHandlers
from .session import Session
from .tls import Tls

GIVE_UP_S = 60.0
"""A process that cannot be reached for so long is given up; the head tells sooner where it knows."""


class PeerBook:
    """Used on one event loop."""

    def __init__(self, process_id: str, token: str, node_id: str, handlers: PeerHandlers, tls: Tls | None) -> None:
        self._process_id = process_id
        self._token = token
        self.node_id = node_id
        self._tls = tls
        self._peers: dict[str, Peer] = {}
        self._handlers = dataclasses.replace(handlers, ended=self._ended)
        self._owner = handlers

    def get(self, address: str) -> Peer:
        """The process at this address; a session to it is opened where there is none."""
        parsed = parse_address(address)
        peer = self._peers.get(parsed.process_id)
        if peer is None:
            peer = Peer(parsed.process_id, self._handlers, lambda: session)
            options = DialOptions(
                parsed.target_from(self.node_id), self._process_id, self._token, GIVE_UP_S, self._tls
            )
            session = dial(options, peer)
            self._peers[parsed.process_id] = peer
        return peer

    def accept(self, process_id: str, session: Callable[[], Session]) -> Peer:
        """A process has opened a session to this one."""
        peer = Peer(process_id, self._handlers, session)
        self._peers.setdefault(process_id, peer)
        return peer

    def gone(self, process_id: str) -> None:
        """A process is known to be gone."""
        if peer := self._peers.get(process_id):
            peer.end(RaySystemError(f"process {process_id} is gone"))

    def close(self) -> None:
        for peer in list(self._peers.values()):
            peer.end(RaySystemError("the runtime was shut down"))

    def all(self) -> list[Peer]:
        return list(self._peers.values())

    def _ended(self, peer: Peer, error: Exception) -> None:
        if self._peers.get(peer.process_id) is peer:
            del self._peers[peer.process_id]
        if self._owner.ended:
            self._owner.ended(peer, error)
