/**
 * Recognises an earlier turn in the messages of a request. Histories are compared by what they say (role, text, parsed
 * tool calls), not by ids or by how a client spells its JSON, and each prefix of a history has a key of its own.
 */

import { createHash } from "node:crypto";
import type { ChatMessage, ToolDefinition } from "../task.ts";
import { parsedArguments } from "./chat-template.ts";
import { textOf } from "./message-text.ts";

/** Stands for a history: equal for histories that say the same under the same tools. */
export type HistoryKey = string;

/** The keys of all prefixes: element i stands for the first i messages. */
export function historyKeys(messages: readonly ChatMessage[], tools: readonly ToolDefinition[]): HistoryKey[] {
  let key = digest("", JSON.stringify(tools));
  const keys = [key];
  for (const message of messages) {
    key = extendKey(key, message);
    keys.push(key);
  }
  return keys;
}

/** The key of a history with one more message. */
export function extendKey(key: HistoryKey, message: ChatMessage): HistoryKey {
  return digest(key, canonical(message));
}

function canonical(message: ChatMessage): string {
  if (message.role !== "assistant") return JSON.stringify([message.role, textOf(message), message.name ?? ""]);
  const calls = (message.tool_calls ?? []).map((call) => [
    call.function.name,
    sorted(parsedArguments(call.function.arguments)),
  ]);
  return JSON.stringify([message.role, textOf(message).trim(), calls]);
}

/** The value with the keys of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, each]) => [key, sorted(each)]);
}

function digest(key: HistoryKey, text: string): HistoryKey {
  return createHash("sha1").update(key).update("\n").update(text).digest("base64");
}
