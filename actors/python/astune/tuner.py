"""What a workflow is handed for one episode: the model being tuned, the tools, and the way to the judge."""

from __future__ import annotations

from typing import Any, NamedTuple

from .episode import Episode


class BaseUrlAndApiKey(NamedTuple):
    """Where any client of OpenAI's API finds the model of one episode."""

    base_url: str
    api_key: str
    model: str


class Environment:
    """The task's environment (`task_reader.type: env_service`), bound to the episode's instance."""

    def __init__(self, episode: Episode) -> None:
        self._episode = episode

    async def step(self, action: dict[str, Any]) -> tuple[str, float, bool, dict[str, Any]]:
        """Gives observation, reward, whether the environment has ended, and more facts."""
        answer = await self._episode.post("environment/step", action)
        return answer["observation"], answer["reward"], answer["isTerminated"], answer["info"]


class Tuner:
    """The model at its own URL. Whatever is asked there is recorded as tokens and trained."""

    def __init__(self, episode: Episode, has_environment: bool = False) -> None:
        self.base_url = episode.base_url
        self.api_key = episode.api_key
        self.env = Environment(episode) if has_environment else None
        self._episode = episode
        self._judge_input: dict[str, Any] = {}
        self._clients: list[Any] = []

    def as_oai_baseurl_apikey(self, **_: Any) -> BaseUrlAndApiKey:
        """For any client, in any language."""
        return BaseUrlAndApiKey(self.base_url, self.api_key, self._episode.model)

    def as_raw_openai_sdk_client(self, **_: Any) -> Any:
        """An `openai.AsyncOpenAI` that is set to this episode."""
        import openai

        from .model_client import client_options

        client = openai.AsyncOpenAI(api_key=self.api_key, **client_options(self._episode))
        self._clients.append(client)
        return client

    def as_agentscope_model(self, **_: Any) -> Any:
        """An AgentScope chat model that is set to this episode."""
        from .model_tuner import ModelTuner

        model = ModelTuner(self._episode)
        self._clients.append(model.client)
        return model

    def update_judge_input_dictionary(self, **values: Any) -> None:
        """Registers what the judge needs, for example `final_answer`. `raw_reward` with `is_success` replaces the
        judge.
        """
        self._judge_input.update(values)

    def get_judge_input_dictionary(self) -> dict[str, Any]:
        """What was registered so far."""
        return dict(self._judge_input)

    async def execute_python_code(self, code: str) -> str:
        """Runs Python in the sandbox; gives `<returncode>…</returncode><stdout>…</stdout><stderr>…</stderr>`."""
        answer = await self._episode.post("tools/python", {"code": code})
        return answer["text"]

    async def aclose(self) -> None:
        """Ends the clients that were made."""
        for client in self._clients:
            await client.close()
