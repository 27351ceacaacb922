/** Reads the body of a chat request: checked where a mistake would be silent, everything else as OpenAI's clients send it. */

import type { ChatMessage, ToolDefinition } from "../task.ts";
import { badRequest } from "./openai-error.ts";

/** What chat requests and completions have in common. */
export interface GenerationRequest {
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly logprobs: boolean;
  readonly returnTokenIds: boolean;
  /** Parameters of the request that the episode's own sampling replaces. */
  readonly ignored: readonly string[];
}

export interface ChatRequest extends GenerationRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: "auto" | "none";
}

export type Body = Readonly<Record<string, unknown>>;

const roles = new Set(["system", "developer", "user", "assistant", "tool"]);
const replaced = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
];
const constraints = [
  "response_format",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "structured_outputs",
];

/** Throws 400 for a body that is not a chat request, or that asks for several choices. */
export function readChatRequest(body: Body): ChatRequest {
  const messages = body["messages"];
  if (!Array.isArray(messages) || messages.length === 0)
    throw badRequest("messages must be a list with at least one message");
  const tools = body["tools"] ?? [];
  if (!Array.isArray(tools)) throw badRequest("tools must be a list");
  const choice = body["tool_choice"];
  const forced = choice === "required" || (typeof choice === "object" && choice !== null);
  const common = readGenerationRequest(body, body["logprobs"] === true);
  if (typeof body["top_logprobs"] === "number" && body["top_logprobs"] > 0) {
    throw badRequest("top_logprobs is not recorded here: only the sampled token's log-probability is");
  }
  return {
    ...common,
    messages: messages.map(readMessage),
    tools: tools.map(readTool),
    toolChoice: choice === "none" ? "none" : "auto",
    ignored: forced ? [...common.ignored, "tool_choice"] : common.ignored,
  };
}

/** The parameters that chat requests and completions share. */
export function readGenerationRequest(body: Body, logprobs: boolean): GenerationRequest {
  for (const name of ["n", "best_of"]) {
    if (typeof body[name] === "number" && body[name] !== 1)
      throw badRequest(`${name} must be 1: one reply is recorded for one request`);
  }
  const options = body["stream_options"];
  return {
    maxTokens: readMaxTokens(body["max_completion_tokens"] ?? body["max_tokens"]),
    stop: readStop(body["stop"]),
    stream: body["stream"] === true,
    includeUsage: isObject(options) && options["include_usage"] === true,
    logprobs,
    returnTokenIds: body["return_token_ids"] === true,
    ignored: [...replaced, ...constraints].filter((name) => isSet(body[name])),
  };
}

function readMaxTokens(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (Number.isInteger(value) && (value as number) > 0) return value as number;
  throw badRequest("max_tokens must be a positive whole number");
}

function readStop(value: unknown): string[] {
  const stop = [value ?? []].flat();
  if (stop.some((each) => typeof each !== "string" || each === ""))
    throw badRequest("stop must be text or a list of texts");
  return stop as string[];
}

function readMessage(value: unknown, index: number): ChatMessage {
  const where = `messages[${index}]`;
  if (!isObject(value) || !roles.has(value["role"] as string)) {
    throw badRequest(`${where}.role must be one of ${[...roles].join(", ")}`);
  }
  const { content } = value;
  if (Array.isArray(content)) {
    if (!content.every((part) => isObject(part) && typeof part["text"] === "string"))
      throw badRequest(`${where}.content may hold text parts only`);
  } else if (typeof content !== "string" && content !== null && content !== undefined) {
    throw badRequest(`${where}.content must be text, a list of text parts or null`);
  }
  const calls = value["tool_calls"];
  if (calls === undefined || calls === null) return { ...value, content: content ?? null } as unknown as ChatMessage;
  if (!Array.isArray(calls)) throw badRequest(`${where}.tool_calls must be a list`);
  return {
    ...value,
    content: content ?? null,
    tool_calls: calls.map((call) => readCall(call, where)),
  } as unknown as ChatMessage;
}

function readCall(value: unknown, where: string): unknown {
  const called = isObject(value) ? value["function"] : undefined;
  if (!isObject(value) || !isObject(called) || typeof called["name"] !== "string") {
    throw badRequest(`${where}.tool_calls must name a function each`);
  }
  const args = called["arguments"] ?? "{}";
  return { ...value, function: { ...called, arguments: typeof args === "string" ? args : JSON.stringify(args) } };
}

function readTool(value: unknown, index: number): ToolDefinition {
  const tool = isObject(value) ? value["function"] : undefined;
  if (isObject(tool) && typeof tool["name"] === "string") return value as unknown as ToolDefinition;
  throw badRequest(`tools[${index}] must be {"type": "function", "function": {"name": …}}`);
}

function isSet(value: unknown): boolean {
  if (isObject(value) && value["type"] === "text") return false;
  return value !== undefined && value !== null && value !== 0 && !(isObject(value) && Object.keys(value).length === 0);
}

function isObject(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
