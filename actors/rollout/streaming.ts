/** An answer as server-sent events in OpenAI's chunk shape. The reply is complete before its first chunk is sent. */

import type { ToolCall } from "../task.ts";
import type { Answer } from "./chat-completions.ts";

interface Choice {
  readonly message?: { readonly content: string | null; readonly tool_calls?: readonly ToolCall[] };
  readonly text?: string;
  readonly finish_reason: string;
  readonly logprobs: unknown;
  readonly token_ids?: readonly number[];
}

/** Characters of content or arguments in one chunk. */
const chunkChars = 65_536;

/** The whole stream of an answer, `[DONE]` included. */
export function streamOf({ request, body }: Answer): string {
  const { id, created, model, object, usage, choices } = body;
  const [choice] = choices as readonly Choice[];
  if (!choice) return "data: [DONE]\n\n";
  const head = { id, object: object === "chat.completion" ? "chat.completion.chunk" : object, created, model };
  const nulls = request.includeUsage ? { usage: null } : {};
  const events = (choice.message ? chatChunks(choice) : textChunks(choice)).map((each) => ({
    ...head,
    choices: [each],
    ...nulls,
  }));
  const last = request.includeUsage ? [{ ...head, choices: [], usage }] : [];
  return `${[...events, ...last].map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`;
}

function chatChunks(choice: Choice): unknown[] {
  const { content, tool_calls: calls = [] } = choice.message ?? { content: null };
  const delta = (value: unknown, more: object = { logprobs: null }) => ({
    index: 0,
    delta: value,
    finish_reason: null,
    ...more,
  });
  const first = { logprobs: choice.logprobs, ...(choice.token_ids ? { token_ids: choice.token_ids } : {}) };
  return [
    delta({ role: "assistant", content: "" }, first),
    ...pieces(content ?? "").map((piece) => delta({ content: piece })),
    ...calls.flatMap((call, index) => [
      delta({
        tool_calls: [{ index, id: call.id, type: "function", function: { name: call.function.name, arguments: "" } }],
      }),
      ...pieces(call.function.arguments).map((piece) =>
        delta({ tool_calls: [{ index, function: { arguments: piece } }] }),
      ),
    ]),
    { index: 0, delta: {}, finish_reason: choice.finish_reason, logprobs: null },
  ];
}

function textChunks(choice: Choice): unknown[] {
  const chunks = pieces(choice.text ?? "").map((text) => ({ index: 0, text, finish_reason: null, logprobs: null }));
  return [...chunks, { index: 0, text: "", finish_reason: choice.finish_reason, logprobs: choice.logprobs }];
}

function pieces(text: string): string[] {
  const parts: string[] = [];
  for (let from = 0; from < text.length; from += chunkChars) parts.push(text.slice(from, from + chunkChars));
  return parts;
}
