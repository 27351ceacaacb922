import { expect, test } from "vitest";
import type { ToolRun, Turn } from "../../../actors/episode.ts";
import { answersEarly, faultsOf, parseHermes, printedNothing, pythonTool } from "../../../actors/rollout/index.ts";
import type { ToolDefinition } from "../../../actors/task.ts";

const finish: ToolDefinition = {
  type: "function",
  function: {
    name: "generate_response",
    parameters: { type: "object", properties: { response: { type: "string" } }, required: ["response"] },
  },
};
const tools = [pythonTool, finish];

/** A turn as the recorder keeps it for this sampled text. */
function turnOf(text: string): Turn {
  const parsed = parseHermes(text, tools);
  const calls = parsed.calls.map((call, index) => ({
    id: `call_0_${index}`,
    type: "function" as const,
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  return {
    messages: [{ role: "user", content: "?" }],
    tools,
    reply: { role: "assistant", content: parsed.content, ...(calls.length > 0 ? { tool_calls: calls } : {}) },
    text,
    promptIds: [1],
    sampledIds: [2],
    logprobs: [-1],
    weightVersions: [0],
    finishReason: "stop",
    malformedCalls: parsed.malformed.length,
    startedMs: 0,
    durationMs: 1,
  };
}

function runOf(output: string, more: Partial<ToolRun> = {}): ToolRun {
  return {
    name: "execute_python_code",
    arguments: { code: "1" },
    output,
    returnCode: 0,
    printed: true,
    turn: 0,
    durationMs: 1,
    ...more,
  };
}

const code = '<tool_call>\n{"name": "execute_python_code", "arguments": {"code": "print(48)"}}\n</tool_call>';
const answer = '<tool_call>\n{"name": "generate_response", "arguments": {"response": "\\\\boxed{48}"}}\n</tool_call>';

const noPrintCase = `To find the height difference between Bella and Anne's sister, we compute each height.
<tool_call>
{"name": "execute_python_code", "arguments": {"code": "anne_height = 80\\nsister_height = anne_height / 2\\nbella_height = 3 * anne_height\\nheight_difference = bella_height - sister_height\\nheight_difference"}}
</tool_call>`;

const earlyCase = `There are \\( 40 \\times 2 = 80 \\) members, so 48 attended. Let's confirm this with a Python calculation.
<tool_call> {"name": "execute_python_code", "arguments": {"code": "total_chairs = 40\\nattended = 24 * 2\\nattended"}} </tool_call>
 <tool_call> {"name": "generate_response", "arguments": {"response": "The number of board members is \\(\\boxed{48}\\)."}}
</tool_call>
`;

test("code that ends in an expression and prints nothing is the no-print fault, and only that", () => {
  const silent = runOf("<returncode>0</returncode><stdout></stdout><stderr></stderr>", { printed: false });
  expect(faultsOf([turnOf(noPrintCase)], [silent])).toEqual({
    malformedCall: false,
    noPrint: true,
    earlyAnswer: false,
    toolUse: true,
  });
});

test("a call beside the final answer is an early answer, also where the answer's JSON is broken", () => {
  const turn = turnOf(earlyCase);
  expect(turn.reply.tool_calls?.map((call) => call.function.name)).toEqual(["execute_python_code"]);
  expect(faultsOf([turn], [])).toEqual({ malformedCall: true, noPrint: false, earlyAnswer: true, toolUse: false });
});

test.each([
  ["a call and nothing else", code, false],
  ["the answer alone", answer, false],
  ["a boxed answer alone", "So the result is \\boxed{48}.", false],
  ["a call and a boxed answer", `The result is \\boxed{48}.\n${code}`, true],
  ["a call and the finishing tool", `${code}\n${answer}`, true],
  ["the finishing tool and then a call", `${answer}\n${code}`, true],
  ["code in a fence and a boxed answer", "```python\nprint(48)\n```\nThe result is \\boxed{48}.", true],
  ["code in a fence and no answer", "```python\nprint(48)\n```", false],
  [
    "code that prints a box",
    '<tool_call>{"name": "execute_python_code", "arguments": {"code": "print(\'\\\\\\\\boxed{48}\')"}}</tool_call>',
    false,
  ],
  ["fenced code that prints a box", "```python\nprint('\\\\boxed{48}')\n```", false],
  ["a malformed call and a boxed answer", "<tool_call>{'name': 'execute_python_code'}</tool_call> \\boxed{48}", true],
  [
    "a malformed call that holds a box",
    "<tool_call>{'name': 'execute_python_code', 'code': '\\boxed{1}'}</tool_call>",
    false,
  ],
  ["a malformed answer alone", "<tool_call>{'name': 'generate_response', 'response': '\\boxed{1}'}</tool_call>", false],
  ["a made-up tool response", `${code}\n<tool_response>\n48\n</tool_response>`, true],
  ["a made-up output fence", "```python\nprint(48)\n```\n```output\n48\n```", true],
  ["a made-up output under a heading", "```python\nprint(48)\n```\nOutput:\n```\n48\n```", true],
  ["a made-up return code", `${code}<returncode>0</returncode>`, true],
])("%s", (_, text, expected) => {
  expect(answersEarly(turnOf(text), [])).toBe(expected);
});

test("code shown again beside the answer after it ran is not pending", () => {
  const text = "I ran\n```python\nprint(48)\n```\nso it is \\boxed{48}.";
  expect(answersEarly(turnOf(text), [runOf("48", { arguments: { code: "print(48)\n" } })])).toBe(false);
});

test.each([
  ["printed", runOf("<returncode>0</returncode><stdout>7\n</stdout><stderr></stderr>"), false],
  ["printed nothing", runOf("<returncode>0</returncode><stdout></stdout><stderr></stderr>", { printed: false }), true],
  ["only warned", runOf("<returncode>0</returncode><stdout></stdout><stderr>W</stderr>", { printed: false }), true],
  [
    "failed with a message",
    runOf("<returncode>1</returncode><stdout></stdout><stderr>Traceback</stderr>", { printed: false, returnCode: 1 }),
    false,
  ],
  [
    "failed without a word",
    runOf("<returncode>1</returncode><stdout></stdout><stderr></stderr>", { printed: false, returnCode: 1 }),
    true,
  ],
  [
    "was stopped by a limit",
    runOf("<returncode>-1</returncode><stdout></stdout><stderr></stderr>", { printed: false, returnCode: -1 }),
    false,
  ],
  ["was no code", runOf("", { name: "search", printed: false }), false],
])("a run that %s", (_, run, expected) => {
  expect(printedNothing(run)).toBe(expected);
});

test("an episode without a turn has no fault", () => {
  expect(faultsOf([], [])).toEqual({ malformedCall: false, noPrint: false, earlyAnswer: false, toolUse: false });
});
