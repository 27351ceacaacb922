"""The side of a session that opens its streams: at first, and again after each loss, at growing intervals."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass

import grpc
import grpc.aio

from . import channel_options as keys
from .errors import AuthenticationError, RaySystemError
from .frames import Message
from .packets import LINK_PATH, Packet, encode_packet
from .session import Session, SessionListener
from .tls import Tls

_FIRST_DELAY_S = 0.02
_LONGEST_DELAY_S = 1.0


@dataclass(frozen=True)
class DialOptions:
    """`address` is `unix:/path` or `host:port`. Gives up when there was no stream for `give_up_s`; None: never."""

    address: str
    process_id: str
    token: str
    give_up_s: float | None = None
    tls: Tls | None = None


def dial(options: DialOptions, listener: SessionListener) -> Session:
    """Opens a session. It is usable at once; what is sent goes out when the first stream is open."""
    return _Dialler(options, listener).session


class _ClientStream:
    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:
        self.call = call

    async def write(self, packet: Packet) -> None:
        await self.call.write(encode_packet(packet))

    async def close(self) -> None:
        await self.call.done_writing()


class _Dialler:
    def __init__(self, options: DialOptions, listener: SessionListener) -> None:
        self._options = options
        self._listener = listener
        self._identity = ""
        self._delay_s = _FIRST_DELAY_S
        self._down_since = time.monotonic()
        self._over = False
        self.session = Session(str(uuid.uuid4()), self)
        self._channel: grpc.aio.Channel | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    def message(self, message: Message) -> None:
        self._listener.message(message)

    def up(self, fresh: bool) -> None:
        self._listener.up(fresh)

    def down(self, reason: str) -> None:
        self._down_since = time.monotonic()
        self._listener.down(reason)

    def too_large(self, message: Message, size: int) -> None:
        self._listener.too_large(message, size)

    def ended(self, error: Exception) -> None:
        self._over = True
        self._listener.ended(error)
        asyncio.get_running_loop().create_task(self._leave())

    async def _leave(self) -> None:
        # What was sent before the end is still on its way.
        try:
            await asyncio.wait_for(self.session.drained(), 1)
        except TimeoutError:
            pass
        self._task.cancel()
        if self._channel is not None:
            await self._channel.close()

    async def _run(self) -> None:
        while not self._over:
            code, reason = await self._try()
            if self._over:
                return
            if code == grpc.StatusCode.UNAUTHENTICATED:
                self.session.end(AuthenticationError(f"{self._options.address} turned this process away: {reason}"))
            elif self._is_late():
                self.session.end(RaySystemError(f"{self._options.address} cannot be reached: {reason}"))
            else:
                await asyncio.sleep(self._delay_s)
                self._delay_s = min(_LONGEST_DELAY_S, self._delay_s * 2)

    async def _try(self) -> tuple[grpc.StatusCode, str]:
        """One stream from its opening to its loss; gives why it was lost."""
        try:
            if self._channel is None:
                self._channel = await self._connect()
        except OSError as error:
            return grpc.StatusCode.UNAVAILABLE, str(error)
        multi = self._channel.stream_stream(LINK_PATH, request_serializer=None, response_deserializer=None)
        call = multi(metadata=self._metadata())
        stream = _ClientStream(call)
        code, reason = await self._read(call, stream)
        self.session.detach(stream, reason)
        return code, reason

    async def _connect(self) -> grpc.aio.Channel:
        address, tls = self._options.address, self._options.tls
        if tls is None or address.startswith("unix:"):
            return grpc.aio.insecure_channel(address, options=keys.CHANNEL_OPTIONS)
        # Which name is in the other side's certificate does not matter; that the cluster's authority signed it does.
        name = await asyncio.to_thread(tls.name_of, address)
        options = [*keys.CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", name)]
        return grpc.aio.secure_channel(address, tls.client_credentials(), options=options)

    async def _read(self, call: grpc.aio.StreamStreamCall, stream: _ClientStream) -> tuple[grpc.StatusCode, str]:
        """Serves one stream until it is lost; gives why."""
        try:
            metadata = await call.initial_metadata()
            if keys.text_of(metadata, keys.PROCESS):
                self._opened(stream, metadata)
                while (data := await call.read()) is not grpc.aio.EOF:
                    if not self.session.receive(data):
                        break
            if not call.done():
                call.cancel()
                return grpc.StatusCode.UNAVAILABLE, "the other side closed, or a packet was lost on the way"
            return await call.code(), await call.details() or "the other side closed"
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or str(error.code())
        except (ValueError, grpc.aio.UsageError) as error:
            call.cancel()
            return grpc.StatusCode.UNKNOWN, str(error)

    def _opened(self, stream: _ClientStream, metadata: grpc.aio.Metadata) -> None:
        identity = keys.text_of(metadata, keys.PROCESS)
        another = self._identity not in ("", identity)
        self._identity = identity
        self._delay_s = _FIRST_DELAY_S
        fresh = another or keys.text_of(metadata, keys.FRESH) == "1"
        self.session.attach(stream, int(keys.text_of(metadata, keys.RECEIVED) or 0), fresh)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        received = keys.NEVER_OPENED if self._identity == "" else str(self.session.received)
        return (
            (keys.AUTHORIZATION, f"Bearer {self._options.token}"),
            (keys.SESSION, self.session.id),
            (keys.PROCESS, self._options.process_id),
            (keys.RECEIVED, received),
        )

    def _is_late(self) -> bool:
        limit = self._options.give_up_s
        return limit is not None and time.monotonic() - self._down_since > limit
