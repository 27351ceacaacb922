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

/**
 * How it is known which weights made each token: the server tells, or its reply is followed as it comes, or all of it is
 * taken to be of the version when the request began.
 */
export type VersionSource = "server" | "stream" | "request";

/** The request's body. */
export function completionBody(request: GenerateRequest, model: string, versions: VersionSource): object {
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
    stream: versions === "stream",
    ...(request.seed !== undefined && { seed: request.seed }),
    ...(versions === "server" && { return_weight_versions: true }),
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

/**
 * Reads a reply as it comes. Each token carries what `version` says when it arrives: an engine that stands still for other
 * weights sends nothing, so the cut lies between the tokens of the old weights and those of the new.
 */
export async function readStream(events: AsyncIterable<unknown>, version: () => number): Promise<GenerateReply> {
  const [tokenIds, logprobs, weightVersions]: [number[], (number | null)[], number[]] = [[], [], []];
  let finish: string | null | undefined;
  for await (const event of events) {
    const choice = (event as Completion | null)?.choices?.[0];
    if (choice === undefined) throw broken(messageIn(event));
    tokenIds.push(...(choice.token_ids ?? []));
    logprobs.push(...(choice.logprobs?.token_logprobs ?? []));
    while (weightVersions.length < tokenIds.length) weightVersions.push(version());
    finish = choice.finish_reason ?? finish;
  }
  const choice = { token_ids: tokenIds, logprobs: { token_logprobs: logprobs }, finish_reason: finish ?? null };
  return { ...readCompletion({ choices: [choice] }, version()), weightVersions };
}

/** What the server says of a failure in the middle of a stream. */
function messageIn(event: unknown): string {
  const error = (event as { error?: { message?: string } | string } | null)?.error;
  return (typeof error === "string" ? error : error?.message) ?? "an event of the stream has no choice";
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
