/** What the engine sampled, cut at a stop string and read as text. */

import type { FinishReason } from "../episode.ts";
import type { GenerateReply } from "../inference/engine.ts";
import type { ModelText } from "./model-text.ts";

/** A reply's tokens with their text. */
export interface SampledReply extends GenerateReply {
  /** The exact text of all tokens. */
  readonly text: string;
  /** The text that the workflow gets: without the end of turn, other special tokens and the stop string. */
  readonly visible: string;
}

/** Reads a reply. At the first of `stop` it ends: tokens after the one that completes the stop string are dropped. */
export function readReply(reply: GenerateReply, text: ModelText, stop: readonly string[]): SampledReply {
  const whole = visibleText(reply.tokenIds, text);
  const at = firstOf(whole, stop);
  if (at < 0) return { ...reply, text: text.tokenizer.decode(reply.tokenIds), visible: whole };
  const length = tokensUntil(reply.tokenIds, text, stop);
  const finishReason: FinishReason = "stop";
  const tokenIds = reply.tokenIds.slice(0, length);
  return {
    tokenIds,
    logprobs: reply.logprobs.slice(0, length),
    weightVersions: reply.weightVersions.slice(0, length),
    finishReason,
    text: text.tokenizer.decode(tokenIds),
    visible: whole.slice(0, at),
  };
}

function visibleText(ids: readonly number[], { tokenizer, stopTokenIds }: ModelText): string {
  const last = ids.at(-1);
  const ended = last !== undefined && stopTokenIds.includes(last);
  return tokenizer.decodeVisible(ended ? ids.slice(0, -1) : ids);
}

/** The fewest tokens whose text holds one of `stop`. */
function tokensUntil(ids: readonly number[], text: ModelText, stop: readonly string[]): number {
  let low = 1;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (firstOf(visibleText(ids.slice(0, middle), text), stop) >= 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function firstOf(text: string, stop: readonly string[]): number {
  const found = stop.map((each) => text.indexOf(each)).filter((at) => at >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}
