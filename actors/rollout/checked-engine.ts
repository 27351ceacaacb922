/** An engine whose replies are fit to learn from: what is not is a failure, which another engine may mend. */

import { EngineError, type GenerateReply, type RoutedEngine } from "../inference/index.ts";

/** Rejects replies that were cut off, whose arrays differ in length, or that hold a number that is not finite. */
export function checkedEngine(engine: RoutedEngine): RoutedEngine {
  const generate: RoutedEngine["generate"] = async (request) => {
    const reply = await engine.generate(request);
    const fault = replyFault(reply);
    if (fault !== undefined) throw new Error(`the engine's reply is not usable: ${fault}`);
    return reply;
  };
  return engine.health === undefined ? { generate } : { generate, health: engine.health.bind(engine) };
}

/** Everything but what an engine calls final may go better on another engine. */
export const mayGoBetterElsewhere = (error: unknown): boolean => !(error instanceof EngineError) || error.retryable;

/** An engine whose weights are broken, or that was stopped half-way, answers, but not with something to learn from. */
function replyFault(reply: GenerateReply): string | undefined {
  const { tokenIds, logprobs, weightVersions, finishReason } = reply;
  if (finishReason === "abort") return "the generation was aborted";
  if (logprobs.length !== tokenIds.length || weightVersions.length !== tokenIds.length)
    return "its arrays differ in length";
  return logprobs.every(Number.isFinite) ? undefined : "a log-probability is not finite";
}
