"""The episode that is running: its base URL and key, and what is asked at that URL beside the model."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


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
        return await asyncio.to_thread(self._post, path, body)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"}
        request = urllib.request.Request(f"{self.base_url}/{path}", json.dumps(body).encode(), headers)  # noqa: S310
        # The episode's server is on this machine: no proxy is asked.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=self.timeout_s) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise EpisodeError(f"{path}: {error.read().decode('utf-8', 'replace')[:500]}") from error
        except OSError as error:
            raise EpisodeError(f"{path}: the episode's server cannot be reached: {error}") from error


current_episode: ContextVar[Episode | None] = ContextVar("astune_episode", default=None)
"""The episode of the running coroutine or thread; None outside of one."""
