"""The base of a workflow in upstream's later form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .workflow_task import WorkflowOutput, WorkflowTask


class Workflow(BaseModel):
    """A workflow's class derives from it, or has the same method. One instance is made for each episode.

    It defines `execute(workflow_task, tuner)`, or `agentscope_execute(workflow_task, model_tuner)`, its older name.
    """

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    name: str = Field(default="")
    trainable_targets: list[str] | None = Field(default=None)

    async def execute(self, workflow_task: WorkflowTask, tuner: Any) -> WorkflowOutput:
        """Runs the agent for one task. A `reward` in what it returns replaces the judge."""
        raise NotImplementedError(f"{type(self).__name__} has neither execute nor agentscope_execute")
