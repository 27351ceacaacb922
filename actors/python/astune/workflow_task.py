"""What a workflow is given and gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Task:
    """One task of the data set."""

    main_query: str = ""
    init_messages: list[dict[str, Any]] = field(default_factory=list)
    task_id: str = ""
    env_type: str = "no_env"
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Task:
        """The task as it arrives."""
        query = str(data.get("mainQuery") or "")
        messages = list(data.get("initMessages") or [{"role": "user", "content": query}])
        metadata = dict(data.get("metadata") or {})
        return cls(query, messages, str(data.get("taskId") or ""), str(data.get("envType") or "no_env"), metadata)


@dataclass
class WorkflowTask:
    """A task in the episode that runs it. `gym_env` is the task's environment, where it has one."""

    task: Task
    episode_id: str = ""
    gym_env: Any = None

    def __getattr__(self, name: str) -> Any:
        """The task's own fields, `metadata` for one."""
        if name in Task.__dataclass_fields__:
            return getattr(self.task, name)
        raise AttributeError(f"a workflow task has no {name}")


@dataclass
class WorkflowOutput:
    """`reward` replaces the judge; `metadata` is handed to it, `metadata={"final_answer": …}` for one."""

    reward: float | None = None
    is_success: bool | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
