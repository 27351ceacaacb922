/** What the math agent takes for its final answer. */

import { expect, test } from "vitest";
import type { Task, Tuner } from "../../../actors/index.ts";
import { ExampleMathLearn } from "../../../tutorial/example_math_agent/math_agent.ts";

const task: Task = { taskId: "t", mainQuery: "6 * 7?", initMessages: [], envType: "no_env", metadata: {} };

/** The final answer that the agent registers when the model replies with this text and no call that could be read. */
async function answerTo(content: string): Promise<unknown> {
  let answer: unknown;
  const create = async () => ({ choices: [{ message: { role: "assistant", content } }] });
  const tuner = {
    model: "m",
    openai: () => ({ chat: { completions: { create } } }),
    updateJudgeInputDictionary: (entries: Record<string, unknown>) => {
      answer = entries["final_answer"];
    },
  };
  await new ExampleMathLearn().execute(task, tuner as unknown as Tuner);
  return answer;
}

test("plain text is an answer", async () => {
  expect(await answerTo("It is \\boxed{42}.")).toBe("It is \\boxed{42}.");
});

test.each([
  '<tool_call>\n{"name": "generate_response", "arguments": {"code": "\\\\boxed{42}"}}\n</tool_call>',
  '<tool_call>\n{"name": "execute_python_code", "arguments": {"code": "print(6 * 7)"\n</tool_call> \\boxed{42}',
  '<tool_call>{"name": "generate_response", \\boxed{42}',
  '{"name": "generate_response", "arguments": {"result": "\\\\boxed{42}"}}',
])("a call that could not be read is none, nor is what follows it: %s", async (call) => {
  expect(await answerTo(`I have it. ${call}`)).toBe("I have it. ");
});
