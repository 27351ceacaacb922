"""The actor that runs the episodes of a workflow written in Python: one warm process, many episodes at once on its
loop.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from astune_runtime.modules import load

from . import guarded_tools
from .episode import Episode, current_episode
from .plain import plain, plain_config
from .tuner import Tuner
from .workflow_task import Task, WorkflowOutput, WorkflowTask

_THREADS = 512


class WorkflowHost:
    """Runs episodes of the class `name` of a module. Made once; the module is imported once."""

    def __init__(self, module: str, name: str, folders: list[str]) -> None:
        # Tools and synchronous workflows wait in threads, as many as there are episodes.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "episode"))
        # Before the workflow's file is imported, and AgentScope with it.
        guarded_tools.install()
        self._workflow = load(module, name, folders)
        _spare_collector()
        if not hasattr(self._workflow, "execute") and not hasattr(self._workflow, "agentscope_execute"):
            raise TypeError(f"{module}->{name} has neither execute nor agentscope_execute")

    async def run_episode(self, request: dict[str, Any]) -> dict[str, Any]:
        """Runs one episode and gives what it registered for the judge, and its output. Raises what the workflow
        raises.
        """
        episode = Episode(request["baseUrl"], request["apiKey"], request["model"], request["timeoutMs"] / 1000)
        current_episode.set(episode)
        workflow = self._workflow()
        tuner = self._tuner(workflow, episode, bool(request.get("hasEnvironment")))
        try:
            given = await self._execute(workflow, tuner, request)
        finally:
            await tuner.aclose()
        judged = given if isinstance(given, Tuner) else tuner
        return {"judgeInput": plain(judged.get_judge_input_dictionary(), "the judge's input"), "output": _output(given)}

    def _tuner(self, workflow: Any, episode: Episode, has_environment: bool) -> Tuner:
        """A chat model of AgentScope for workflows that use it."""
        if _is_own(workflow, "agentscope_execute") or "agentscope" in sys.modules:
            from .model_tuner import ModelTuner

            return ModelTuner(episode, has_environment)
        return Tuner(episode, has_environment)

    async def _execute(self, workflow: Any, tuner: Tuner, request: dict[str, Any]) -> Any:
        task = Task.of(request["task"])
        execute = workflow.agentscope_execute if _is_own(workflow, "agentscope_execute") else workflow.execute
        if len(inspect.signature(execute).parameters) >= 3:
            args: tuple[Any, ...] = (task.init_messages, tuner, plain_config(request.get("config") or {}))
        else:
            args = (WorkflowTask(task, request["episodeId"], tuner.env), tuner)
        if inspect.iscoroutinefunction(execute):
            return await execute(*args)
        given = await asyncio.to_thread(execute, *args)
        return await given if inspect.isawaitable(given) else given


def _spare_collector() -> None:
    """What was imported stays for good and need not be looked at again and again while hundreds of episodes allocate."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _is_own(workflow: Any, name: str) -> bool:
    """Whether the workflow's own class defines this method, not only the base that it derives from."""
    return hasattr(workflow, name) and not getattr(type(workflow), name).__module__.startswith("astune.")


def _output(given: Any) -> dict[str, Any] | None:
    if given is None or isinstance(given, Tuner):
        return None
    if not isinstance(given, WorkflowOutput):
        kind = type(given).__name__
        raise TypeError(
            f"a workflow gives the model it was handed, a WorkflowOutput or nothing; this one gave a {kind}"
        )
    output = {"metadata": plain(given.metadata or {}, "the output's metadata")}
    if given.reward is not None:
        if isinstance(given.reward, (list, tuple)):
            raise TypeError("a workflow's reward is one number: an episode has one model")
        output["reward"] = float(given.reward)
    if given.is_success is not None:
        output["isSuccess"] = bool(given.is_success)
    return output
