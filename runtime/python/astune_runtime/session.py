"""An ordered conversation with one other process, over one stream at a time.

A packet is kept until the other side has acknowledged it; when a stream is lost, the next one begins with what did not
arrive. So a message is delivered once and in order as long as both processes live. See `runtime/transport/session.ts`.
"""

from __future__ import annotations

import asyncio
import collections
import traceback
from typing import Protocol

from .channel_options import MAX_PACKET_BYTES
from .errors import RaySystemError
from .frames import Message, decode_frame, encode_frame
from .packets import Packet, decode_packet

_PACKET_MESSAGES = 4096
_PACKET_BYTES = 1 << 20
_FRAME_BYTES = MAX_PACKET_BYTES - 1024
_MOST_WAITING_BYTES = 256 << 20
_ACKNOWLEDGE_EVERY = 64
_ACKNOWLEDGE_S = 0.025


class PacketStream(Protocol):
    """A stream of packets that is open."""

    async def write(self, packet: Packet) -> None:
        """Sends a packet; done when the stream takes the next one."""

    async def close(self) -> None:
        """Sends nothing more."""


class SessionListener(Protocol):
    """What a session tells its owner."""

    def message(self, message: Message) -> None: ...

    def up(self, fresh: bool) -> None:
        """A stream is open (again); `fresh` where the other side remembers nothing of this session."""

    def down(self, reason: str) -> None: ...

    def ended(self, error: Exception) -> None:
        """The session is over for good."""

    def too_large(self, message: Message, size: int) -> None:
        """This message is larger than a packet may be; it is not sent."""


class Session:
    """Used on the event loop it was made on only."""

    def __init__(self, session_id: str, listener: SessionListener) -> None:
        self.id = session_id
        self.received = 0
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._stream: PacketStream | None = None
        self._batch: list[Message] = []
        self._batch_bytes = 0
        self._scheduled = False
        self._outbox: collections.deque[Packet] = collections.deque()
        self._outbox_bytes = 0
        self._sequence = 0
        self._sent = 0
        self._acknowledged = 0
        self._acknowledge_now = False
        self._timer: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._writers: set[asyncio.Task[None]] = set()
        self._ended = False

    @property
    def is_up(self) -> bool:
        return self._stream is not None

    def send(self, message: Message, size: int = 0) -> None:
        """Sends with everything else of this turn. `size`: about how many bytes its values have."""
        if self._ended:
            return
        self._batch.append(message)
        self._batch_bytes += size
        if self._batch_bytes > _PACKET_BYTES or len(self._batch) >= _PACKET_MESSAGES:
            self._seal()
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Sends now what waits for the end of the turn."""
        self._scheduled = False
        self._seal()
        self._wake.set()

    def attach(self, stream: PacketStream, peer_received: int, fresh: bool) -> None:
        """A stream has opened: what the other side has not received goes out on it first."""
        self._stream = stream
        if fresh:
            self._reset()
        else:
            self._forget(peer_received)
        self._sent = 0
        self._wake.set()
        self._listener.up(fresh)
        writer = self._loop.create_task(self._write(stream))
        self._writers.add(writer)
        writer.add_done_callback(self._writers.discard)

    def detach(self, stream: PacketStream, reason: str) -> None:
        """The stream is gone. One that was replaced is not missed."""
        if self._stream is not stream:
            return
        self._stream = None
        self._wake.set()
        self._listener.down(reason)

    def receive(self, data: bytes) -> bool:
        """Takes a packet in. False where something before it is missing: the stream has to be opened anew.

        What cannot be read ends the session, never the process.
        """
        if self._ended:
            return False
        try:
            packet = decode_packet(data)
            return self._receive(packet)
        except ValueError as error:
            self.end(RaySystemError(f"what arrived cannot be read: {error}"))
            return False

    def _receive(self, packet: Packet) -> bool:
        self._forget(packet.acknowledged)
        if packet.sequence == 0 or packet.sequence <= self.received:
            return True
        if packet.sequence != self.received + 1:
            return False
        self.received = packet.sequence
        self._owe_acknowledgement()
        for message in decode_frame(packet.frame):
            try:
                self._listener.message(message)
            except Exception:  # noqa: BLE001 what arrives may be anything: it must not end the process
                traceback.print_exc()
        return True

    def end(self, error: Exception) -> None:
        """Ends the session: what was sent goes out, nothing more comes."""
        if self._ended:
            return
        self.flush()
        self._ended = True
        if self._timer:
            self._timer.cancel()
        self._listener.ended(error)

    async def drained(self) -> None:
        """Done when everything sent so far is on its way, or the stream is gone."""
        self.flush()
        while self._stream is not None and self._sent < len(self._outbox):
            await asyncio.sleep(0.002)

    async def _write(self, stream: PacketStream) -> None:
        try:
            while self._stream is stream:
                packet = self._next()
                if packet is not None:
                    await stream.write(packet)
                elif self._ended:
                    break
                else:
                    self._wake.clear()
                    await self._wake.wait()
            await stream.close()
        except Exception:  # noqa: BLE001 the stream's reader learns why it is lost
            return

    def _next(self) -> Packet | None:
        if self._sent < len(self._outbox):
            packet = self._outbox[self._sent]
            self._sent += 1
        elif self._acknowledge_now and self._acknowledged != self.received:
            packet = Packet(0, 0, b"")
        else:
            return None
        self._acknowledge_now = False
        self._acknowledged = self.received
        return packet._replace(acknowledged=self.received)

    def _seal(self) -> None:
        if not self._batch:
            return
        batch, self._batch = self._batch, []
        self._batch_bytes = 0
        frame = encode_frame(batch)
        if len(frame) <= _FRAME_BYTES:
            self._queue(frame)
            return
        # Something in it is too large: the others go one by one.
        for message in batch:
            one = encode_frame([message])
            if len(one) <= _FRAME_BYTES:
                self._queue(one)
            else:
                self._listener.too_large(message, len(one))

    def _queue(self, frame: bytes) -> None:
        self._sequence += 1
        self._outbox.append(Packet(self._sequence, 0, frame))
        self._outbox_bytes += len(frame)
        if self._stream is None and self._outbox_bytes > _MOST_WAITING_BYTES and not self._ended:
            limit = _MOST_WAITING_BYTES >> 20
            self.end(RaySystemError(f"more than {limit} MiB wait for a process that cannot be reached"))

    def _forget(self, up_to: int) -> None:
        while self._outbox and self._outbox[0].sequence <= up_to:
            self._outbox_bytes -= len(self._outbox.popleft().frame)
            self._sent = max(0, self._sent - 1)

    def _reset(self) -> None:
        self._outbox.clear()
        self._outbox_bytes = 0
        self._batch = []
        self._batch_bytes = 0
        self._sequence = self.received = self._acknowledged = 0

    def _owe_acknowledgement(self) -> None:
        if self.received - self._acknowledged >= _ACKNOWLEDGE_EVERY:
            self._acknowledge()
        elif self._timer is None:
            self._timer = self._loop.call_later(_ACKNOWLEDGE_S, self._acknowledge)

    def _acknowledge(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._acknowledge_now = True
        self._wake.set()
