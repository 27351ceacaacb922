/** The math agent: it reasons, runs Python when that helps, and ends with a structured final answer. */

import { pythonTool, type Task, type ToolDefinition, type Tuner, type Workflow } from "astune";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";

const SYSTEM_PROMPT =
  "You are an agent specialised in solving math problems with tools. Solve the problem given to you. " +
  "You can write and execute Python code: print the result, and wait for it before you answer. " +
  "Return your final answer within \\boxed{}.";

/** The structured final answer is a tool that ends the conversation. */
const generateResponseTool: ToolDefinition = {
  type: "function",
  function: {
    name: "generate_response",
    description: "Give the final answer and end.",
    parameters: {
      type: "object",
      properties: {
        result: {
          type: "string",
          description: "Your solution of the given math problem, the final answer in boxed form, e.g. \\boxed{42}",
        },
      },
      required: ["result"],
    },
  },
};

const TOOLS = [pythonTool, generateResponseTool];
const MAX_TURNS = 6;

export class ExampleMathLearn implements Workflow {
  async execute(task: Task, tuner: Tuner): Promise<undefined> {
    const client = tuner.openai();
    const question = task.initMessages[0]?.content ?? task.mainQuery;
    const messages: ChatCompletionMessageParam[] = [
      { role: "system", content: SYSTEM_PROMPT },
      { role: "user", content: String(question) },
    ];
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const completion = await client.chat.completions.create({ model: tuner.model, messages, tools: [...TOOLS] });
      const reply = completion.choices[0]?.message;
      if (reply === undefined) return undefined;
      messages.push(reply);

      // Plain text ends the conversation: whatever was boxed in it is the answer.
      if (reply.tool_calls === undefined || reply.tool_calls.length === 0) {
        tuner.updateJudgeInputDictionary({ final_answer: textBeforeCalls(reply.content ?? "") });
        return undefined;
      }
      // The calls of one message run in order, so an answer given beside a call has not seen its output.
      for (const call of reply.tool_calls) {
        if (call.type !== "function") continue;
        const values = JSON.parse(call.function.arguments) as { code?: string; result?: string };
        if (call.function.name === "generate_response") {
          tuner.updateJudgeInputDictionary({ final_answer: values.result ?? "" });
          return undefined;
        }
        const { text } = await tuner.executePythonCode(values.code ?? "");
        messages.push({ role: "tool", tool_call_id: call.id, content: text });
      }
    }
    return undefined;
  }
}

/**
 * A call that could not be read stays in the text. It never ran, so neither it nor what follows it is an answer: taken
 * for one, a final answer under the wrong argument's name is rewarded as if it were right.
 */
function textBeforeCalls(text: string): string {
  return text.split(/<tool_call>|\{\s*["']name["']\s*:/, 1)[0] ?? "";
}
