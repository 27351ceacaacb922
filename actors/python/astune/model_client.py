"""How the `openai` client of an episode is made: cheaply, because there are hundreds of episodes in one process."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from . import loopback
from .episode import Episode


def client_options(episode: Episode) -> dict[str, Any]:
    """What an `openai.AsyncOpenAI` of this episode is made with, beside the key."""
    http_client = httpx.AsyncClient(
        transport=_Loopback(), verify=_no_tls(), trust_env=False, base_url=episode.base_url, timeout=episode.timeout_s
    )
    return {
        "base_url": episode.base_url,
        "max_retries": 2,
        "timeout": episode.timeout_s,
        "http_client": http_client,
    }


@functools.cache
def _no_tls() -> ssl.SSLContext:
    """Given, because a client would otherwise read all certificates of the machine: 25 ms and half a megabyte each."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Loopback(httpx.AsyncBaseTransport):
    """Errors and time limits are httpx's own, so that the client tries again as ever."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limit = (request.extensions.get("timeout") or {}).get("read")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        asking = loopback.request(request.method, urlsplit(str(request.url)), headers, await request.aread())
        try:
            reply = await asyncio.wait_for(asking, limit)
        except asyncio.TimeoutError as error:
            raise httpx.ReadTimeout(f"no reply within {limit} s", request=request) from error
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except (EOFError, ValueError) as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(reply, limit, request))


class _Body(httpx.AsyncByteStream):
    def __init__(self, reply: loopback.Reply, limit: float | None, request: httpx.Request) -> None:
        self._reply = reply
        self._limit = limit
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = self._reply.body()
        try:
            while True:
                yield await asyncio.wait_for(anext(pieces), self._limit)
        except StopAsyncIteration:
            return
        except asyncio.TimeoutError as error:
            raise httpx.ReadTimeout(f"the reply stood still for {self._limit} s", request=self._request) from error
        except (OSError, EOFError) as error:
            raise httpx.ReadError(str(error), request=self._request) from error

    async def aclose(self) -> None:
        await self._reply.aclose()
