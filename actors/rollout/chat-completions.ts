/** `/v1/chat/completions`: renders, samples, reads the tool calls, records the turn and answers as OpenAI does. */

import type { ChatMessage, ToolCall } from "../task.ts";
import type { Body, ChatRequest, GenerationRequest } from "./chat-request.ts";
import { readChatRequest } from "./chat-request.ts";
import type { EpisodeSession } from "./episode-session.ts";
import { type HermesReply, parseHermes } from "./hermes.ts";
import type { ModelText } from "./model-text.ts";
import { badRequest } from "./openai-error.ts";
import type { Prompt } from "./recorder.ts";
import { readReply, type SampledReply } from "./sampled-reply.ts";

/** An answer before it is written: whole, or as the chunks of a stream. */
export interface Answer {
  readonly request: GenerationRequest;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Answers one chat request. `isGone` tells whether the client went away; such a turn is not recorded. */
export async function answerChat(session: EpisodeSession, body: Body, isGone: () => boolean): Promise<Answer> {
  const startedMs = performance.now() - session.startedAtMs;
  const request = readChatRequest(body);
  sayIgnored(session, request);
  const step = session.takeStep();
  const prompt = promptOf(session, request);
  const reply = await session.generate(step, prompt.ids, request.maxTokens);
  const { text, modelName } = session.settings;
  const sampled = readReply(reply, text, request.stop);
  const parsed = parseReply(sampled.visible, request);
  const message = messageOf(parsed, step);
  if (!isGone()) {
    session.recorder.record(
      {
        messages: request.messages,
        tools: request.tools,
        reply: message,
        text: sampled.text,
        promptIds: prompt.ids,
        sampledIds: sampled.tokenIds,
        logprobs: sampled.logprobs,
        weightVersions: sampled.weightVersions,
        finishReason: sampled.finishReason,
        malformedCalls: parsed.malformed.length,
        startedMs,
        durationMs: performance.now() - session.startedAtMs - startedMs,
      },
      prompt,
    );
  }
  const finish = parsed.calls.length > 0 && sampled.finishReason === "stop" ? "tool_calls" : sampled.finishReason;
  const choice = {
    index: 0,
    message: { ...message, refusal: null },
    finish_reason: finish,
    logprobs: request.logprobs ? { content: tokenLogprobs(sampled, text), refusal: null } : null,
    ...(request.returnTokenIds ? { token_ids: sampled.tokenIds } : {}),
  };
  return {
    request,
    body: {
      id: `chatcmpl-${session.request.episodeId}-${step}`,
      object: "chat.completion",
      created: Math.floor(Date.now() / 1000),
      model: modelName,
      choices: [choice],
      usage: usageOf(prompt.ids.length, sampled.tokenIds.length),
      ...(request.returnTokenIds ? { prompt_token_ids: prompt.ids } : {}),
    },
  };
}

/** OpenAI's count of tokens. */
export function usageOf(promptTokens: number, completionTokens: number): Record<string, number> {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** Says once for each parameter that the episode's own sampling replaces it. */
export function sayIgnored(session: EpisodeSession, request: GenerationRequest): void {
  for (const name of request.ignored) {
    session.settings.logOnce(
      name === "tool_choice"
        ? "tool_choice: taken as auto, because a grammar would change the log-probabilities that are trained on"
        : `${name}: ignored, because the episode's own sampling options hold`,
    );
  }
}

function promptOf(session: EpisodeSession, { messages, tools }: ChatRequest): Prompt {
  try {
    return session.recorder.chatPrompt({ messages, tools });
  } catch (error) {
    throw badRequest(
      `the model's chat template refuses these messages: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Where no tools are offered, a workflow may read calls from the text itself: those that parse are no fault of the model. */
function parseReply(visible: string, { tools, toolChoice }: ChatRequest): HermesReply {
  if (tools.length > 0 && toolChoice === "auto") return parseHermes(visible, tools);
  const { malformed } = parseHermes(visible, []);
  const counted = toolChoice === "none" ? malformed : malformed.filter((call) => call.notOffered !== true);
  return { content: visible, calls: [], malformed: counted };
}

function messageOf(parsed: HermesReply, step: number): ChatMessage {
  if (parsed.calls.length === 0) return { role: "assistant", content: parsed.content };
  const calls = parsed.calls.map<ToolCall>((call, index) => ({
    id: `call_${step}_${index}`,
    type: "function",
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  return { role: "assistant", content: parsed.content === "" ? null : parsed.content, tool_calls: calls };
}

function tokenLogprobs(sampled: SampledReply, { tokenizer }: ModelText): unknown[] {
  return sampled.tokenIds.map((id, index) => {
    const token = tokenizer.decode([id]);
    return { token, logprob: sampled.logprobs[index], bytes: [...Buffer.from(token)], top_logprobs: [] };
  });
}
