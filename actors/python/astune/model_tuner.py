"""The model being tuned as an AgentScope chat model: the seed's `astune_proxy`, upstream's later `model_tuner`."""

from __future__ import annotations

import inspect
from typing import Any

from agentscope.model import OpenAIChatModel

from .episode import Episode
from .model_client import client_options
from .tuner import Tuner

# AgentScope up to 1.0.7 names it otherwise.
_CLIENT = "client_kwargs" if "client_kwargs" in inspect.signature(OpenAIChatModel).parameters else "client_args"


class ModelTuner(Tuner, OpenAIChatModel):
    """Handed to a ReActAgent as its model, it speaks to the episode's own URL. See `Tuner` for the rest."""

    def __init__(self, episode: Episode, has_environment: bool = False) -> None:
        Tuner.__init__(self, episode, has_environment)
        options: dict[str, Any] = {_CLIENT: client_options(episode)}
        OpenAIChatModel.__init__(self, episode.model, api_key=episode.api_key, stream=False, **options)
        self._clients.append(self.client)

    async def __call__(self, messages: list[dict[str, Any]], *args: Any, **kwargs: Any) -> Any:
        return await super().__call__([_spelt(message) for message in messages], *args, **kwargs)


def _spelt(message: dict[str, Any]) -> dict[str, Any]:
    """DashScope's way of writing text parts in OpenAI's: with their type, and none that is empty."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    parts = [part for part in content if not (set(part) == {"text"} and part["text"] is None)]
    return {**message, "content": [{"type": "text", **part} if set(part) == {"text"} else part for part in parts]}
