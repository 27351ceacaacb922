"""The episode that is running: its base URL and key, and what is asked at that URL beside the model."""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import loopback


class EpisodeError(RuntimeError):
    """The episode's own server refused, or is gone because the episode is over."""


@dataclass(frozen=True)
class Episode:
    """One episode. Its key is worth nothing once it has ended."""

    base_url: str
    api_key: str
    model: str
    timeout_s: float = 600.0

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Asks the RolloutActor for something that only it can do. Raises EpisodeError."""
        try:
            status, answer = await asyncio.wait_for(self._exchange(path, json.dumps(body).encode()), self.timeout_s)
        except asyncio.TimeoutError as error:
            raise EpisodeError(f"{path}: no answer within {self.timeout_s:g} s") from error
        except (OSError, EOFError, ValueError) as error:
            raise EpisodeError(f"{path}: the episode's server cannot be reached: {error}") from error
        if status >= 400:
            raise EpisodeError(f"{path}: {answer.decode('utf-8', 'replace')[:500]}")
        return json.loads(answer)

    async def _exchange(self, path: str, body: bytes) -> tuple[int, bytes]:
        headers = [("authorization", f"Bearer {self.api_key}"), ("content-type", "application/json")]
        reply = await loopback.request("POST", urlsplit(f"{self.base_url}/{path}"), headers, body)
        try:
            return reply.status, b"".join([piece async for piece in reply.body()])
        finally:
            await reply.aclose()


current_episode: ContextVar[Episode | None] = ContextVar("astune_episode", default=None)
"""The episode of the running coroutine or thread; None outside of one."""
