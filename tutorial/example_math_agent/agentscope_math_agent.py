from agentscope.agent import ReActAgent
from agentscope.formatter import DashScopeChatFormatter
from agentscope.memory import InMemoryMemory
from agentscope.message import Msg
from agentscope.tool import Toolkit, execute_python_code
from pydantic import BaseModel, Field

from astune.protocol.agentscope_protocol import AgentScopeLearnProtocol

system_prompt = "You solve math problems. You may run Python. Put the final answer in \\boxed{}."


class FinalResult(BaseModel):
    result: str = Field(description="The final answer in boxed form, e.g. \\boxed{42}")


class ExampleMathLearn(AgentScopeLearnProtocol):
    async def agentscope_execute(self, init_messages, astune_proxy, config):
        self.toolkit = Toolkit()
        self.toolkit.register_tool_function(execute_python_code)
        self.agent = ReActAgent(
            name="math_react_agent",
            sys_prompt=system_prompt,
            model=astune_proxy,
            formatter=DashScopeChatFormatter(),
            toolkit=self.toolkit,
            memory=InMemoryMemory(),
        )
        msg = Msg("user", init_messages[0]["content"], role="user")
        result = await self.agent.reply(msg, structured_model=FinalResult)
        final_answer = (result.metadata or {}).get("result") or str(result.content)
        astune_proxy.update_judge_input_dictionary(final_answer=final_answer)
        return astune_proxy
