"""HTTP to the episode's own server on this machine, as cheap as it can be: hundreds of episodes ask it from one process,
and general clients spend more on pools, proxies and certificates than the request takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import SplitResult

_PIECE = 65_536


@dataclass
class Reply:
    """A reply whose body has not been read yet. `aclose` it, whether or not it was read to its end."""

    status: int
    headers: list[tuple[str, str]]
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces as they come. Raises EOFError where the server ended in the middle."""
        length = next((int(value) for name, value in self.headers if name == "content-length"), None)
        seen = 0
        while piece := await self._reader.read(_PIECE):
            seen += len(piece)
            yield piece
        if length is not None and seen < length:
            raise EOFError(f"the reply ended after {seen} of {length} bytes")

    async def aclose(self) -> None:
        self._writer.close()


async def request(method: str, url: SplitResult, headers: list[tuple[str, str]], body: bytes) -> Reply:
    """Sends one request over a connection of its own and waits for the head of the reply. `url` is plain HTTP. Raises
    OSError, EOFError or ValueError where there is no such server or it does not speak HTTP.
    """
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        path = f"{url.path}?{url.query}" if url.query else url.path
        own = [("host", url.netloc), ("content-length", str(len(body)))]
        given = [(name, value) for name, value in headers if name.lower() not in _OWN]
        lines = "".join(f"{name}: {value}\r\n" for name, value in own + given)
        # HTTP/1.0: the reply is not chunked, and ends with its connection.
        writer.write(f"{method} {path} HTTP/1.0\r\n{lines}\r\n".encode("latin-1") + body)
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        _, status, *_ = first.split(" ")
        pairs = [line.split(":", 1) for line in rest if line]
        return Reply(int(status), [(name.lower(), value.strip()) for name, value in pairs], reader, writer)
    except BaseException:
        writer.close()
        raise


_OWN = {"host", "content-length", "connection", "transfer-encoding", "accept-encoding"}
