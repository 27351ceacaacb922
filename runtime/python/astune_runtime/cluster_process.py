"""A process of the cluster, driver or host: it listens, talks to other processes and the head, makes and answers
calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .actor_handles import ActorHandles
from .addresses import Address
from .call_server import CallServer
from .dial import DialOptions, dial
from .errors import RaySystemError
from .frames import CALL, CANCEL, CONSUMED, END, FAILED, ITEM, THREW, VALUES, Message
from .io_loop import IoLoop
from .link_server import LinkServer, LinkServerOptions
from .object_table import ObjectTable
from .packed import use_store
from .peer import Peer, PeerHandlers
from .peer_book import GIVE_UP_S, PeerBook
from .pending_call import PendingCall
from .process_store import ProcessStore
from .tls import Tls

_HEAD_GIVE_UP_S = 600.0
"""A head that does not come back for so long is given up, and everything with it."""


@dataclass(frozen=True)
class ProcessOptions:
    """`socket_folder` is the node's; None for a process that is on no node. `ip`: the interface to listen on."""

    process_id: str
    token: str
    node_id: str
    socket_folder: str | None
    ip: str | None
    tls: Tls | None = None


class ClusterProcess:
    """Made and used on the runtime's loop."""

    def __init__(
        self,
        options: ProcessOptions,
        io: IoLoop,
        handles: ActorHandles,
        borrowing: Callable[[], object] = lambda: None,
    ) -> None:
        """`borrowing`: something is borrowed, so the head must be heard from now on."""
        self.options = options
        self.io = io
        self.handles = handles
        self.callers: dict[int, PendingCall] = {}
        self.on_event: Callable[[str, Any], None] = lambda _topic, _payload: None
        self.on_lost: Callable[[str], None] = lambda _process_id: None
        self._connections: list[Peer] = []
        """To the head, and to the node agent."""
        self._address = Address(options.process_id, options.node_id)
        self.store = ProcessStore(io, self.peer)
        use_store(self.store)
        self.objects = ObjectTable(io, lambda: self.address, self.peer, handles, self.store, borrowing)
        self.calls = CallServer(self.objects, self.store.gave_away)
        handlers = PeerHandlers(
            request=self._request,
            event=self._event,
            call=self._message,
            up=lambda peer, fresh: self.on_lost(peer.process_id) if fresh else None,
            ended=lambda peer, _error: self.on_lost(peer.process_id),
        )
        self.peers = PeerBook(options.process_id, options.token, options.node_id, handlers, options.tls)
        accept = self.peers.accept
        self._server = LinkServer(LinkServerOptions(options.process_id, options.token, GIVE_UP_S, accept))

    @property
    def address(self) -> str:
        return str(self._address)

    def peer(self, address: str) -> Peer:
        """The process at this address."""
        return self.peers.get(address)

    async def listen(self) -> None:
        """Listens where the options say."""
        folder, ip = self.options.socket_folder, self.options.ip
        if folder is not None:
            socket = os.path.join(folder, f"{self.options.process_id[:16]}.sock")
            self._server.bind(f"unix:{socket}")
            self._address = self._address._replace(socket=socket)
        if ip is not None:
            port = self._server.bind(f"{ip}:0", self.options.tls)
            self._address = self._address._replace(tcp=f"{ip}:{port}")
        await self._server.start()

    def connect(self, address: str, handlers: PeerHandlers, remote_id: str = "head") -> Peer:
        """Opens the session to the head, or to the node agent."""
        peer = Peer(remote_id, handlers, lambda: session)
        options = DialOptions(address, self.options.process_id, self.options.token, _HEAD_GIVE_UP_S, self.options.tls)
        session = dial(options, peer)
        self._connections.append(peer)
        return peer

    def settle(self, agent: Peer, home: dict[str, str]) -> None:
        """This process is on a node: it uses the node's store, and the sockets of its neighbours."""
        self.store.open(agent, home)
        self.peers.node_id = home["nodeId"]

    async def drained(self) -> None:
        """Done when what was sent is on its way."""
        for peer in self.peers.all():
            await peer.session.drained()

    async def close(self) -> None:
        self.objects.close()
        for peer in self._connections:
            peer.end(RaySystemError("the process is ending"))
        self.peers.close()
        await self._server.close()

    def _request(self, method: str, payload: Any, peer: Peer) -> Any:
        if method == "fetch":
            return self.objects.fetched(payload)
        if method == "cancel":
            return self.objects.cancelled(payload["id"], payload["options"])
        raise ValueError(f'this process does not know the question "{method}" of {peer.process_id}')

    def _event(self, topic: str, payload: Any, peer: Peer) -> None:
        if topic == "borrow":
            self.objects.borrowed_by(peer.process_id, payload)
        elif topic == "drop":
            self.objects.dropped_by(peer.process_id, payload)
        else:
            self.on_event(topic, payload)

    def _message(self, message: Message, peer: Peer) -> None:
        kind = message[0]
        if kind == CALL:
            self.calls.call(message, peer)
        elif kind == CANCEL:
            self.calls.cancel(message[1], message[2], len(message) < 4 or message[3] is not False, peer)
        elif kind == CONSUMED:
            self.calls.consumed(message[1], message[2], message[3], peer)
        elif kind in (VALUES, ITEM, END, THREW, FAILED):
            call = self.callers.get(message[1])
            if call is not None:
                call.answer(message, self.objects.as_owner)
