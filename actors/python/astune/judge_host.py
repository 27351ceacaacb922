"""The actor that asks a judge written in Python."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from astune_runtime.modules import load

from .plain import plain, plain_config
from .workflow_task import Task, WorkflowOutput, WorkflowTask


class JudgeEnvironment:
    """The task's environment as the rollout left it: its instance is gone, its rewards are here."""

    def __init__(self, outcome: dict[str, Any]) -> None:
        self._outcome = outcome

    def evaluate(self, sparse: bool = False) -> float:
        """The reward that the environment gave when the episode ended."""
        reward = self._outcome.get("sparseReward" if sparse else "reward")
        if reward is None:
            raise RuntimeError("the environment service gave no reward when the episode ended")
        return reward


class JudgeHost:
    """Asks one instance of the judge `name` of a module, many episodes at once."""

    def __init__(self, module: str, name: str, folders: list[str], options: dict[str, Any]) -> None:
        cls = load(module, name, folders)
        if not hasattr(cls, "compute_reward"):
            raise TypeError(f"{module}->{name} has no compute_reward")
        takes = [
            each
            for each in inspect.signature(cls).parameters.values()
            if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
        self._judge = cls(plain_config(options)) if takes else cls()

    async def compute_reward(self, given: dict[str, Any]) -> dict[str, Any]:
        """The judge's word: `raw_reward`, `is_success`, and `reason` where it says one. Raises what the judge
        raises.
        """
        compute = self._judge.compute_reward
        task = Task.of(given["workflow_task"])
        registered = {key: value for key, value in given.items() if key not in _OWN_KEYS}
        if "env_outcome" in registered:
            registered["env"] = JudgeEnvironment(registered.pop("env_outcome"))
        if len(inspect.signature(compute).parameters) >= 2:
            output = WorkflowOutput(metadata=registered)
            args: tuple[Any, ...] = (WorkflowTask(task, gym_env=registered.get("env")), output)
        else:
            own = WorkflowTask(task, gym_env=registered.get("env"))
            known = {"workflow_task": own, "task_core_arg": own, "grouped_steps": given["grouped_steps"]}
            args = ({**registered, **known},)
        if inspect.iscoroutinefunction(compute):
            result = await compute(*args)
        else:
            result = await asyncio.to_thread(compute, *args)
            if inspect.isawaitable(result):
                result = await result
        return _result(result)


_OWN_KEYS = {"workflow_task", "grouped_steps"}


def _result(result: Any) -> dict[str, Any]:
    if isinstance(result, (list, tuple)) and len(result) >= 2:
        return {"raw_reward": plain(result[0], "raw_reward"), "is_success": plain(result[1], "is_success")}
    if isinstance(result, dict):
        return plain(result, "the judge's result")
    raise TypeError(f"compute_reward gives raw_reward and is_success; this one gave {result!r}"[:300])
