import { expect, test } from "vitest";
import { parseHermes, pythonTool } from "../../../actors/rollout/index.ts";
import type { ToolDefinition } from "../../../actors/task.ts";

const answer: ToolDefinition = {
  type: "function",
  function: {
    name: "generate_response",
    parameters: {
      type: "object",
      properties: { result: { type: "string" }, confidence: { type: "integer" } },
      required: ["result"],
    },
  },
};
const tools = [pythonTool, answer];
const call = (json: string) => `<tool_call>\n${json}\n</tool_call>`;
const good = '{"name": "execute_python_code", "arguments": {"code": "print(1)"}}';

test("a call is taken out of the text, and what stands around it stays", () => {
  const reply = parseHermes(`I compute.\n${call(good)}\nThen I wait.`, tools);
  expect(reply).toEqual({
    content: "I compute.\n\nThen I wait.",
    calls: [{ name: "execute_python_code", arguments: { code: "print(1)" } }],
    malformed: [],
  });
});

test("several calls of one message come in their order", () => {
  const reply = parseHermes(call(good) + call('{"name": "generate_response", "arguments": {"result": "1"}}'), tools);
  expect(reply.calls.map((each) => each.name)).toEqual(["execute_python_code", "generate_response"]);
  expect(reply.content).toBe("");
});

test("text without a call is left as it is, white space included", () => {
  expect(parseHermes("  no call here \n", tools)).toEqual({ content: "  no call here \n", calls: [], malformed: [] });
});

test("a string in a call may hold the tags themselves", () => {
  const code = "print('</tool_call> and <tool_call>')";
  const reply = parseHermes(call(JSON.stringify({ name: "execute_python_code", arguments: { code } })), tools);
  expect(reply.malformed).toEqual([]);
  expect(reply.calls[0]?.arguments).toEqual({ code });
});

test.each([
  ["a tag that is not closed", `<tool_call>\n${good}`],
  ["broken JSON", call('{"name": "execute_python_code", "arguments": {"code": "print(1)"')],
  ["a bad escape", call('{"name": "generate_response", "arguments": {"result": "\\(4\\)"}}')],
  ["a Python dict", call("{'name': 'execute_python_code', 'arguments': {'code': 'print(1)'}}")],
  ["an unknown tool", call('{"name": "calculator", "arguments": {}}')],
  ["a missing argument", call('{"name": "execute_python_code", "arguments": {}}')],
  ["an argument of the wrong type", call('{"name": "execute_python_code", "arguments": {"code": 3}}')],
  [
    "a whole number that is none",
    call('{"name": "generate_response", "arguments": {"result": "1", "confidence": 0.5}}'),
  ],
  ["arguments that are text", call('{"name": "execute_python_code", "arguments": "{\\"code\\": \\"1\\"}"}')],
  ["arguments that are a list", call('{"name": "execute_python_code", "arguments": ["print(1)"]}')],
  ["no arguments", call('{"name": "execute_python_code"}')],
  ["no name", call('{"arguments": {"code": "print(1)"}}')],
  ["a list of calls", call(`[${good}]`)],
  ["an empty call", call("")],
  ["a fenced JSON call", `\`\`\`json\n${good}\n\`\`\``],
  ["a bare JSON call", `Let me see. ${good}`],
  ["a bare call of a tool that is not offered", '{"name": "calculator", "arguments": {"x": 1}}'],
  ["a closing tag alone", `${good.slice(1)}\n</tool_call>`],
])("%s stays visible as text and counts as one malformed call", (_, text) => {
  const reply = parseHermes(text, tools);
  expect(reply.calls).toEqual([]);
  expect(reply.content).toBe(text);
  expect(reply.malformed).toHaveLength(1);
});

test("a good call beside a malformed one is taken, and the other is counted and stays", () => {
  const bad = call("{'name': 'execute_python_code'}");
  const reply = parseHermes(`${call(good)}\n${bad}`, tools);
  expect(reply.calls).toHaveLength(1);
  expect(reply.content).toBe(bad);
  expect(reply.malformed).toHaveLength(1);
});

test("JSON that is no call is no attempt", () => {
  expect(parseHermes('The record is {"name": "Bella", "height": 80}.', tools).malformed).toEqual([]);
  expect(parseHermes(`\`\`\`json\n{"answer": 4}\n\`\`\``, tools).malformed).toEqual([]);
});

test("without tools only what does not parse is broken, and a call that parses is of no offered tool", () => {
  expect(parseHermes(call(good), []).malformed).toMatchObject([{ notOffered: true }]);
  expect(parseHermes(call("{"), []).malformed).toMatchObject([{ reason: "it is not a JSON object" }]);
});

const megabyte = 1024 * 1024;
const repeated = (text: string) => text.repeat(Math.ceil(megabyte / text.length));

test.each([
  [
    "a call of 1 MB",
    call(JSON.stringify({ name: "execute_python_code", arguments: { code: repeated("x = 1\n") } })),
    1,
    0,
  ],
  ["opening tags only", repeated("<tool_call>"), 0, undefined],
  ["opening tags and one closing tag", `${repeated('<tool_call>{"')}</tool_call>`, 0, undefined],
  ["closing tags only", repeated("</tool_call>"), 0, 1],
  ["an opening tag and closing tags", `<tool_call>{"a": "${repeated("</tool_call>")}`, 0, undefined],
  ["braces", repeated("{"), 0, 0],
  ["a brace and white space", `${repeated("{ ")}"name"`, 0, 0],
  ["bare calls", repeated('{"name": "x", "arguments": '), 0, undefined],
])("%s: 1 MB is read in linear time", (_, text, calls, malformed) => {
  const startedMs = performance.now();
  const reply = parseHermes(text, tools);
  expect(performance.now() - startedMs).toBeLessThan(1500);
  expect(reply.calls).toHaveLength(calls);
  if (malformed !== undefined) expect(reply.malformed).toHaveLength(malformed);
});
