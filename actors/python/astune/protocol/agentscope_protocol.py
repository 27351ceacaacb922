"""The base of a workflow written against AgentScope, in upstream's first form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class AgentScopeLearnProtocol(BaseModel):
    """A workflow's class derives from it. One instance is made for each episode; attributes may be set freely."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    trainer: str = Field(default="trinity")
    agentflow_name: str = Field(default="")
    trainable_agent_targets: list[Any] = Field(default_factory=list)
    external_dataset: bool = Field(default=True)
    external_environment: bool = Field(default=True)
    external_reward: bool = Field(default=True)
    multiturn_token_consolidation: bool = Field(default=True)

    async def agentscope_execute(self, init_messages: list[dict[str, Any]], astune_proxy: Any, config: Any) -> Any:
        """Runs the agent for one task, with `astune_proxy` as its chat model, and returns `astune_proxy`.

        What the judge needs is registered with `astune_proxy.update_judge_input_dictionary(final_answer=…)`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no agentscope_execute")
