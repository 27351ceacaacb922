/** The model's own chat template, rendered as Python's transformers renders it. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { UserError } from "../../configs/index.ts";
import type { ChatMessage, ToolDefinition } from "../task.ts";
import { textOf } from "./message-text.ts";

/** What a template is rendered from. */
export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
}

const specialTokenKeys = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

export class ChatTemplate {
  readonly #plain: Template;
  readonly #withTools: Template;
  readonly #variables: Readonly<Record<string, unknown>>;

  /** `sources` are the texts by name; `tool_use`, where there is one, is taken when tools are offered. */
  constructor(sources: ReadonlyMap<string, string>, tokenizerConfig: Readonly<Record<string, unknown>>) {
    const plain = sources.get("default") ?? [...sources.values()][0] ?? "";
    this.#plain = new Template(plain);
    const withTools = sources.get("tool_use");
    this.#withTools = withTools === undefined ? this.#plain : new Template(withTools);
    this.#variables = specialTokens(tokenizerConfig);
  }

  /** The text of the conversation. Throws what the template throws (`raise_exception`). */
  render(conversation: Conversation, addGenerationPrompt: boolean): string {
    const { messages, tools } = conversation;
    const template = tools.length > 0 ? this.#withTools : this.#plain;
    return template.render({
      ...this.#variables,
      messages: messages.map(forTemplate),
      tools: tools.length > 0 ? tools : null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
    });
  }
}

/** The template of a model's folder: `chat_template.jinja`, or the one in `tokenizer_config.json`. */
export async function readChatTemplate(
  modelPath: string,
  tokenizerConfig: Readonly<Record<string, unknown>>,
): Promise<ChatTemplate> {
  const sources = await readSources(modelPath, tokenizerConfig["chat_template"]);
  if (sources.size === 0) {
    throw new UserError({
      where: modelPath,
      expected: "a chat template (chat_template.jinja, or chat_template in tokenizer_config.json)",
      found: "none",
      fix: "take an instruct model, or put its chat_template.jinja there",
    });
  }
  try {
    return new ChatTemplate(sources, tokenizerConfig);
  } catch (error) {
    throw new UserError(
      { where: modelPath, expected: "a chat template that parses", found: String(error) },
      { cause: error },
    );
  }
}

async function readSources(modelPath: string, configured: unknown): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  if (typeof configured === "string") sources.set("default", configured);
  if (Array.isArray(configured)) {
    for (const { name, template } of configured as { name: string; template: string }[]) sources.set(name, template);
  }
  const file = await readFile(join(modelPath, "chat_template.jinja"), "utf8").catch(() => undefined);
  if (file !== undefined) sources.set("default", file);
  const more = join(modelPath, "additional_chat_templates");
  for (const name of await readdir(more).catch(() => [])) {
    if (name.endsWith(".jinja")) sources.set(name.slice(0, -".jinja".length), await readFile(join(more, name), "utf8"));
  }
  return sources;
}

function specialTokens(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const content = (value: unknown) =>
    typeof value === "object" && value !== null ? (value as { content?: unknown }).content : value;
  const named = specialTokenKeys.map((key) => [key, content(config[key])] as const);
  return Object.fromEntries(named.filter(([, value]) => typeof value === "string"));
}

/** A message as templates expect it: text as one string, the arguments of calls as objects. */
function forTemplate(message: ChatMessage): Record<string, unknown> {
  const { tool_calls: calls, ...rest } = message;
  const role = (message.role as string) === "developer" ? "system" : message.role;
  const plain = { ...rest, role, content: textOf(message) };
  if (!calls || calls.length === 0) return plain;
  return {
    ...plain,
    tool_calls: calls.map((call) => ({
      ...call,
      function: { ...call.function, arguments: parsedArguments(call.function.arguments) },
    })),
  };
}

/** The value of a call's JSON text; the text itself where it is not JSON. */
export function parsedArguments(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
