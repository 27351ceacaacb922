/** The text of a message, whichever way a client spelt its content. */

import type { ChatMessage } from "../task.ts";

/** The message's text: `null` and `[]` are empty, text parts are joined by line ends, as vLLM joins them. */
export function textOf(message: Pick<ChatMessage, "content">): string {
  const { content } = message;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("\n");
}
