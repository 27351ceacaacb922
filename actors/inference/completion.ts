/** One generation as a `/v1/completions` request with token ids, and its reply, checked before anyone trains on it. */

import type { FinishReason } from "../episode.ts";
import type { GenerateReply, GenerateRequest } from "./engine.ts";
import { EngineRequestError } from "./errors.ts";

const DURING = "POST /v1/completions";

interface Completion {
  readonly choices?: readonly {
    readonly token_ids?: readonly number[] | null;
    readonly finish_reason?: string | null;
    readonly logprobs?: { readonly token_logprobs?: readonly (number | null)[] } | null;
    readonly weight_versions?: readonly WeightSpan[] | null;
  }[];
}

interface WeightSpan {
  readonly version: string | number;
  readonly start: number;
  readonly end: number;
}

/** The request's body. `versionsPerToken` asks the server which weights made each token. */
export function completionBody(request: GenerateRequest, model: string, versionsPerToken: boolean): object {
  return {
    model,
    prompt: request.promptIds,
    max_tokens: request.maxTokens,
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    logprobs: 0,
    stop_token_ids: request.stopTokenIds,
    return_token_ids: true,
    stream: false,
    ...(request.seed !== undefined && { seed: request.seed }),
    ...(versionsPerToken && { return_weight_versions: true }),
  };
}

/**
 * Reads the reply. Where the server does not say which weights made a token, it is taken to be `fallbackVersion`, the
 * version when the request began: the older one, so that staleness is never counted too low.
 * Throws `EngineRequestError` when ids and log-probabilities are missing, of unequal length or not finite.
 */
export function readCompletion(body: unknown, fallbackVersion: number): GenerateReply {
  const choice = (body as Completion | null)?.choices?.[0];
  const tokenIds = choice?.token_ids;
  const logprobs = choice?.logprobs?.token_logprobs;
  if (!choice || !tokenIds || !logprobs) throw broken("the reply has no token ids or no log-probabilities");
  if (tokenIds.length !== logprobs.length) {
    throw broken(`the reply has ${tokenIds.length} tokens and ${logprobs.length} log-probabilities`);
  }
  const checked = logprobs.map((value) => {
    if (value === null || !Number.isFinite(value)) throw broken("a log-probability is not finite");
    return value;
  });
  const weightVersions = new Array<number>(tokenIds.length).fill(fallbackVersion);
  for (const span of choice.weight_versions ?? []) weightVersions.fill(Number(span.version), span.start, span.end);
  return { tokenIds, logprobs: checked, weightVersions, finishReason: finishReason(choice.finish_reason) };
}

function finishReason(reason: string | null | undefined): FinishReason {
  switch (reason) {
    case "stop":
    case "length":
    case "abort":
      return reason;
    // vLLM ends a reply that repeats itself without end; the episode goes on as after a stop.
    case "repetition":
      return "stop";
    default:
      throw broken(`the reply ended with "${reason}"`);
  }
}

function broken(message: string): EngineRequestError {
  return new EngineRequestError({ during: DURING, status: 502, message });
}
