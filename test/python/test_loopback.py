"""The HTTP between a workflow and its episode's server."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import runtime_support  # noqa: F401
from astune import loopback
from astune.episode import Episode, EpisodeError


@asynccontextmanager
async def answering(*pieces, stays=False):
    """A server that answers each request with `pieces`, and keeps what it was asked."""
    asked = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)[b"content-length"])
        asked.append((head.decode(), await reader.readexactly(length)))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if stays:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/episodes/e/v1", asked


def test_a_question_and_its_answer():
    async def run():
        async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n", b'{"text": ', b'"4"}') as (url, asked):
            assert await Episode(url, "key", "m").post("tools/python", {"code": "é"}) == {"text": "4"}
            head, body = asked[0]
            assert head.startswith("POST /episodes/e/v1/tools/python HTTP/1.0\r\n")
            assert "authorization: Bearer key\r\n" in head and body == b'{"code": "\\u00e9"}'

    asyncio.run(run())


def test_a_reply_that_is_cut_refused_or_late_is_an_error():
    async def failure(*pieces, timeout_s=60.0, stays=False):
        async with answering(*pieces, stays=stays) as (url, _):
            with pytest.raises(EpisodeError) as raised:
                await Episode(url, "key", "m", timeout_s).post("tools/python", {})
            return str(raised.value)

    async def run():
        assert "after 2 of 9 bytes" in await failure(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")
        assert "no such episode" in await failure(b"HTTP/1.1 401 Unauthorized\r\n\r\nno such episode")
        assert "cannot be reached" in await failure(b"what?\r\n\r\n")
        assert "cannot be reached" in await failure()
        assert "no answer within 0.05 s" in await failure(timeout_s=0.05, stays=True)

    asyncio.run(run())


def test_the_model_client_reads_streams_and_fails_as_httpx_does():
    httpx = pytest.importorskip("httpx")
    from astune.model_client import client_options

    async def asks(*pieces, timeout_s=60.0, stays=False):
        async with answering(*pieces, stays=stays) as (url, _):
            client = client_options(Episode(url, "key", "m", timeout_s))["http_client"]
            async with client, client.stream("POST", "chat/completions", json={"stream": True}) as reply:
                return [line async for line in reply.aiter_lines()]

    async def run():
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
        assert await asks(head, b"data: 1\n", b"data: [DONE]\n") == ["data: 1", "data: [DONE]"]
        with pytest.raises(httpx.ReadTimeout):
            await asks(head, timeout_s=0.05, stays=True)
        with pytest.raises(httpx.RemoteProtocolError):
            await asks(b"HTTP/1.1 200")
        with pytest.raises(httpx.ReadError):
            await asks(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n123")

    asyncio.run(run())


def test_a_head_says_what_it_is():
    async def run():
        async with answering(b"HTTP/1.1 204 No Content\r\nX-A: b: c\r\n\r\n") as (url, _):
            reply = await loopback.request("GET", urlsplit(f"{url}/models?x=1"), [("Connection", "keep-alive")], b"")
            assert (reply.status, reply.headers) == (204, [("x-a", "b: c")])
            await reply.aclose()

    asyncio.run(run())
