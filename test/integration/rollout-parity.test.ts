import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { pythonTool } from "../../actors/rollout/index.ts";
import { readModelText } from "../../actors/rollout/model-text.ts";
import type { ChatMessage, ToolDefinition } from "../../actors/task.ts";
import { tinyTemplate, writeTinyModel } from "../unit/rollout/tiny-model.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = process.env["ASTUNE_PYTHON"] ?? join(root, ".venv", "bin", "python");
const quickstart = join(root, "tutorial", "quickstart_model", "model");

/** Renders, tokenises and decodes each conversation of each model with Python's transformers, in one process. */
const program = `
import json, sys
from transformers import AutoTokenizer
out = []
for model in json.load(open(sys.argv[1])):
    tokenizer = AutoTokenizer.from_pretrained(model["path"])
    seen = []
    for case in model["cases"]:
        text = tokenizer.apply_chat_template(case["messages"], tokenize=False, tools=case["tools"] or None, add_generation_prompt=case["prompt"])
        ids = tokenizer.encode(text, add_special_tokens=False)
        decoded = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        seen.append({"text": text, "ids": ids, "decoded": decoded})
    out.append(seen)
print(json.dumps(out))
`;

interface Case {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
  readonly prompt: boolean;
}

const call = { id: "call_0_0", type: "function" as const };
const search: ToolDefinition = {
  type: "function",
  function: {
    name: "search",
    description: 'Finds "things" <fast> & well, even Ünïcode 日本',
    parameters: {
      type: "object",
      properties: { query: { type: "string" }, limit: { type: "integer", default: 5 }, deep: { type: "boolean" } },
    },
  },
};
const texts = [
  "What is 12 plus 30?",
  "  leading and trailing  \n\n",
  "Ünïcode: 日本語, emoji 🧮👩‍🔬, maths ∑ ½, \u00a0 no-break, tab\t and \r\n line end",
  "It's we'll I'M don't 1234567 3.14 a_b snake_case __init__ \\boxed{42} \\( x \\)",
  "<tool_call> in the text </tool_call> and <|im_end|> too",
  "def f(x):\n    return x ** 2\n\n\nprint(f(3))\n",
  "",
];

const cases: Case[] = [
  ...texts.map((content) => ({ messages: [{ role: "user" as const, content }], tools: [], prompt: true })),
  ...texts.map((content) => ({
    messages: [
      { role: "system" as const, content: "You solve problems." },
      { role: "user" as const, content: "Do it." },
      {
        role: "assistant" as const,
        content: "",
        tool_calls: [
          {
            ...call,
            function: { name: "execute_python_code", arguments: JSON.stringify({ code: content, timeout: 3 }) },
          },
        ],
      },
      { role: "tool" as const, tool_call_id: "call_0_0", content },
      { role: "tool" as const, tool_call_id: "call_0_1", content: "<returncode>0</returncode>" },
      { role: "assistant" as const, content: `Well, ${content}` },
      { role: "user" as const, content },
    ],
    tools: [pythonTool, search],
    prompt: true,
  })),
  {
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content: "y" },
    ],
    tools: [search],
    prompt: false,
  },
];

/** A template in the style of SmolLM2: a system message of its own, and no tools. */
const plainTemplate =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are helpful<|im_end|>\\n' }}{% endif %}" +
  "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

interface Seen {
  readonly text: string;
  readonly ids: readonly number[];
  readonly decoded: string;
}

interface Model {
  readonly path: string;
  readonly cases: readonly Case[];
}

/** A conversation as transformers wants it: the arguments of calls as objects. */
function forPython(each: Case): unknown {
  const messages = each.messages.map((message) => {
    const calls = message.tool_calls?.map((one) => ({
      ...one,
      function: { ...one.function, arguments: JSON.parse(one.function.arguments) as unknown },
    }));
    return { ...message, ...(calls ? { tool_calls: calls } : {}) };
  });
  return { ...each, messages };
}

async function seenByPython(models: readonly Model[]): Promise<readonly (readonly Seen[])[]> {
  const folder = await mkdtemp(join(tmpdir(), "astune-parity-"));
  try {
    const file = join(folder, "cases.json");
    await writeFile(file, JSON.stringify(models.map((model) => ({ ...model, cases: model.cases.map(forPython) }))));
    const env = { ...process.env, HF_HUB_OFFLINE: "1", OMP_NUM_THREADS: "1", USE_TORCH: "0" };
    const { stdout } = await promisify(execFile)(python, ["-c", program, file], { maxBuffer: 1 << 27, env });
    return JSON.parse(stdout) as Seen[][];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function seenHere({ path, cases: compared }: Model): Promise<Seen[]> {
  const { template, tokenizer } = await readModelText(path);
  return compared.map((each) => {
    const text = template.render(each, each.prompt);
    const ids = tokenizer.encode(text);
    return { text, ids, decoded: tokenizer.decode(ids) };
  });
}

test.skipIf(!existsSync(python))(
  "templates with and without tools, and the quickstart model, give the text and ids of Python's transformers",
  async () => {
    const withTools = await writeTinyModel(tinyTemplate);
    const plain = await writeTinyModel(plainTemplate);
    try {
      const models = [
        { path: withTools.path, cases },
        { path: plain.path, cases: cases.map((each) => ({ ...each, tools: [] })) },
        ...(existsSync(quickstart) ? [{ path: quickstart, cases }] : []),
      ];
      const wanted = await seenByPython(models);
      for (const [index, model] of models.entries()) expect(await seenHere(model)).toEqual(wanted[index]);
    } finally {
      await withTools.remove();
      await plain.remove();
    }
  },
);
