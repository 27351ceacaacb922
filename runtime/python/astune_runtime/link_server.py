"""Where a process listens: on a Unix socket, on TCP, or on both.

A stream that carries on a known session is attached to it; a new session is handed to the owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import grpc.aio

from . import channel_options as keys
from .errors import RaySystemError
from .frames import Message
from .packets import METHOD, SERVICE, Packet, encode_packet
from .session import Session, SessionListener
from .tls import Tls

Accept = Callable[[str, Callable[[], Session]], SessionListener]
"""A process has opened a session; gives who listens to it."""


@dataclass(frozen=True)
class LinkServerOptions:
    """A session whose stream is lost is given up after `grace_s` without a new one."""

    process_id: str
    token: str
    grace_s: float
    accept: Accept
    max_sessions: int = 20_000


class LinkServer:
    """Made and used on one event loop."""

    def __init__(self, options: LinkServerOptions) -> None:
        self._options = options
        self._sessions: dict[str, _Record] = {}
        self._server = grpc.aio.server(options=keys.CHANNEL_OPTIONS)
        link = grpc.stream_stream_rpc_method_handler(self._link)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: link}),))

    def bind(self, target: str, tls: Tls | None = None) -> int:
        """Takes `unix:/path` or `host:port` (port 0: any), before `start`; gives the port. Raises RaySystemError."""
        try:
            if tls is None:
                port = self._server.add_insecure_port(target)
            else:
                port = self._server.add_secure_port(target, tls.server_credentials())
        except RuntimeError as error:
            raise RaySystemError(f"cannot listen at {target}: {error}") from error
        if port == 0:
            raise RaySystemError(f"cannot listen at {target}")
        return port

    async def start(self) -> None:
        """Listens."""
        await self._server.start()

    async def close(self) -> None:
        """Ends all sessions and the listening."""
        for record in list(self._sessions.values()):
            record.session.end(RaySystemError("the process is ending"))
        await self._server.stop(0.2)

    async def _link(self, _requests: object, context: grpc.aio.ServicerContext) -> None:
        metadata = context.invocation_metadata()
        given = keys.text_of(metadata, keys.AUTHORIZATION).removeprefix("Bearer ")
        if not keys.is_same_token(given, self._options.token):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is not this cluster's")
        session_id = keys.text_of(metadata, keys.SESSION)
        process_id = keys.text_of(metadata, keys.PROCESS)
        opened = keys.text_of(metadata, keys.RECEIVED)
        if not session_id or not process_id or not (opened == keys.NEVER_OPENED or opened.isdigit()):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the stream's metadata does not say who opens it")
        record = self._sessions.get(session_id)
        if record is None and len(self._sessions) >= self._options.max_sessions:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many processes are connected")
        fresh = record is None and opened != keys.NEVER_OPENED
        if record is None:
            record = self._sessions[session_id] = _Record(self, session_id, process_id)
        record.keep()
        session = record.session
        reply = [(keys.PROCESS, self._options.process_id), (keys.RECEIVED, str(session.received))]
        await context.send_initial_metadata([*reply, *([(keys.FRESH, "1")] if fresh else [])])
        received = 0 if fresh or opened == keys.NEVER_OPENED else int(opened)
        await self._serve(session, _ServerStream(context), received)

    async def _serve(self, session: Session, stream: _ServerStream, received: int) -> None:
        session.attach(stream, received, False)
        reason = "the other side closed"
        try:
            while not stream.is_closed:
                data = await stream.read()
                if data is grpc.aio.EOF or not session.receive(data):
                    break
        except (asyncio.CancelledError, grpc.aio.BaseError):
            reason = "the connection was lost"
        finally:
            session.detach(stream, reason)

    def lost(self, session_id: str) -> None:
        """A session is over."""
        self._sessions.pop(session_id, None)

    @property
    def options(self) -> LinkServerOptions:
        return self._options


class _ServerStream:
    def __init__(self, context: grpc.aio.ServicerContext) -> None:
        self._context = context
        self._closed = asyncio.Event()

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    async def write(self, packet: Packet) -> None:
        await self._context.write(encode_packet(packet))

    async def close(self) -> None:
        self._closed.set()

    async def read(self) -> object:
        """The next packet's bytes; the end of the stream where either side has closed it."""
        reading = asyncio.ensure_future(self._context.read())
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait((reading, closing), return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else grpc.aio.EOF
        finally:
            closing.cancel()
            if not reading.done():
                reading.cancel()


class _Record:
    """One session, and when it is given up."""

    def __init__(self, server: LinkServer, session_id: str, process_id: str) -> None:
        self._server = server
        self._session_id = session_id
        self._expiry: asyncio.TimerHandle | None = None
        self._listener = server.options.accept(process_id, lambda: self.session)
        self.session = Session(session_id, self)

    def keep(self) -> None:
        """A stream has come."""
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None

    def message(self, message: Message) -> None:
        self._listener.message(message)

    def up(self, fresh: bool) -> None:
        self._listener.up(fresh)

    def down(self, reason: str) -> None:
        error = RaySystemError(f"the connection was lost and did not come back: {reason}")
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(self._server.options.grace_s, self.session.end, error)
        self._listener.down(reason)

    def too_large(self, message: Message, size: int) -> None:
        self._listener.too_large(message, size)

    def ended(self, error: Exception) -> None:
        self.keep()
        self._server.lost(self._session_id)
        self._listener.ended(error)
