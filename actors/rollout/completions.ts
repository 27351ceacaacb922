/** `/v1/completions`: a prompt as text or token ids, sampled and recorded as it is, without a chat template. */

import type { Answer } from "./chat-completions.ts";
import { sayIgnored, usageOf } from "./chat-completions.ts";
import { type Body, readGenerationRequest } from "./chat-request.ts";
import type { EpisodeSession } from "./episode-session.ts";
import { badRequest } from "./openai-error.ts";
import { completionName } from "./recorder.ts";
import { readReply, type SampledReply } from "./sampled-reply.ts";

const unsupported = ["echo", "suffix", "prompt_logprobs"];

/** Answers one completion. `isGone` tells whether the client went away; such a turn is not recorded. */
export async function answerCompletion(session: EpisodeSession, body: Body, isGone: () => boolean): Promise<Answer> {
  const startedMs = performance.now() - session.startedAtMs;
  const given = readPrompt(body["prompt"]);
  for (const name of unsupported) {
    if (body[name] !== undefined && body[name] !== null && body[name] !== false)
      throw badRequest(`${name} is not served here`);
  }
  const request = readGenerationRequest(body, typeof body["logprobs"] === "number");
  sayIgnored(session, request);
  const step = session.takeStep();
  const { text, modelName } = session.settings;
  const promptIds = session.recorder.completionPrompt(given);
  const reply = await session.generate(step, promptIds, request.maxTokens);
  const sampled = readReply(reply, text, request.stop);
  const prompt = typeof given === "string" ? given : text.tokenizer.decode(given);
  if (!isGone()) {
    session.recorder.record({
      messages: [{ role: "user", name: completionName, content: prompt }],
      tools: [],
      reply: { role: "assistant", content: sampled.visible },
      text: sampled.text,
      promptIds,
      sampledIds: sampled.tokenIds,
      logprobs: sampled.logprobs,
      weightVersions: sampled.weightVersions,
      finishReason: sampled.finishReason,
      malformedCalls: 0,
      startedMs,
      durationMs: performance.now() - session.startedAtMs - startedMs,
    });
  }
  const choice = {
    index: 0,
    text: sampled.visible,
    finish_reason: sampled.finishReason,
    logprobs: request.logprobs ? completionLogprobs(sampled, session) : null,
    ...(request.returnTokenIds ? { token_ids: sampled.tokenIds, prompt_token_ids: promptIds } : {}),
  };
  return {
    request,
    body: {
      id: `cmpl-${session.request.episodeId}-${step}`,
      object: "text_completion",
      created: Math.floor(Date.now() / 1000),
      model: modelName,
      choices: [choice],
      usage: usageOf(promptIds.length, sampled.tokenIds.length),
    },
  };
}

function readPrompt(prompt: unknown): string | number[] {
  if (typeof prompt === "string" && prompt !== "") return prompt;
  const isIds = Array.isArray(prompt) && prompt.length > 0 && prompt.every((id) => Number.isInteger(id) && id >= 0);
  if (isIds) return prompt as number[];
  throw badRequest("prompt must be one text or one list of token ids");
}

function completionLogprobs(sampled: SampledReply, session: EpisodeSession): Record<string, unknown> {
  const tokens = sampled.tokenIds.map((id) => session.settings.text.tokenizer.decode([id]));
  let offset = 0;
  const offsets = tokens.map((token) => {
    const at = offset;
    offset += token.length;
    return at;
  });
  return { tokens, token_logprobs: sampled.logprobs, top_logprobs: null, text_offset: offsets };
}
