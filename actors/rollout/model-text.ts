/** A model's tokenizer and chat template together: from a conversation to the tokens of its prompt. */

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ChatMessage } from "../task.ts";
import { type ChatTemplate, type Conversation, readChatTemplate } from "./chat-template.ts";
import { readJson, readTokenizerFiles, Tokenizer } from "./tokenizer.ts";

/** Stands in a rendering where a recorded reply is, so that its sampled tokens can be put there. */
const replyMark = `reply-${randomBytes(12).toString("hex")}`;

export class ModelText {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** Tokens after which sampling stops. */
  readonly stopTokenIds: readonly number[];
  /** What the template ends an assistant's turn with, as text and token; undefined where it has no such token. */
  readonly endOfTurn: { readonly text: string; readonly id: number } | undefined;

  constructor(tokenizer: Tokenizer, template: ChatTemplate, configuredStopIds: readonly number[]) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.endOfTurn = endOfTurn(tokenizer, template);
    this.stopTokenIds = [...new Set([...configuredStopIds, ...(this.endOfTurn ? [this.endOfTurn.id] : [])])];
  }

  /** The text of a prompt that asks for the next reply. */
  render(conversation: Conversation): string {
    return this.template.render(conversation, true);
  }

  /**
   * What the template puts after the last reply of a skeleton (a conversation whose recorded replies went through
   * {@link replyPlaceholder}): from its end of turn on, that token included. Undefined where that cannot be told.
   */
  afterLastReply(rendered: string): { readonly before: string; readonly after: string } | undefined {
    const at = rendered.lastIndexOf(replyMark);
    if (at < 0 || this.endOfTurn === undefined) return undefined;
    const end = rendered.indexOf(this.endOfTurn.text, at);
    return end < 0 ? undefined : { before: rendered.slice(0, at), after: rendered.slice(end) };
  }
}

/** A recorded reply as it stands in a skeleton: the same tools are called, but what it says is a mark. */
export function replyPlaceholder(reply: ChatMessage): ChatMessage {
  const calls = reply.tool_calls ?? [];
  if (calls.length === 0) return { role: "assistant", content: replyMark };
  const marked = JSON.stringify({ reply: replyMark });
  return {
    role: "assistant",
    content: "",
    tool_calls: calls.map((call) => ({ ...call, function: { name: call.function.name, arguments: marked } })),
  };
}

/** Reads what a model's folder says about text. Throws a `UserError` where a file is missing or broken. */
export async function readModelText(modelPath: string): Promise<ModelText> {
  const files = await readTokenizerFiles(modelPath);
  const [template, generation, config] = await Promise.all([
    readChatTemplate(modelPath, files.config),
    readJson(join(modelPath, "generation_config.json"), false),
    readJson(join(modelPath, "config.json"), false),
  ]);
  const tokenizer = new Tokenizer(files);
  const stopIds = [generation["eos_token_id"] ?? config["eos_token_id"] ?? []].flat() as number[];
  return new ModelText(tokenizer, template, stopIds);
}

function endOfTurn(tokenizer: Tokenizer, template: ChatTemplate): ModelText["endOfTurn"] {
  const messages: ChatMessage[] = [
    { role: "user", content: "x" },
    { role: "assistant", content: replyMark },
  ];
  const rendered = template.render({ messages, tools: [] }, false);
  const [first] = tokenizer.encode(rendered.slice(rendered.lastIndexOf(replyMark) + replyMark.length).trimStart());
  const text = first === undefined ? undefined : tokenizer.addedToken(first);
  return first === undefined || text === undefined ? undefined : { text, id: first };
}
