/** An engine as an actor in a process of its own: it says what the script has, after the time that a GPU would take. */

import type { GenerateReply, GenerateRequest } from "../../../actors/index.ts";
import { readModelText } from "../../../actors/rollout/model-text.ts";
import { type ScriptedReply, scriptedReply } from "./script.ts";

/** Time to the first token, and between two tokens of one sequence. */
export const FIRST_TOKEN_MS = 150;
export const TOKEN_MS = 15;

export class SimulatedEngine {
  readonly #modelPath: string;
  readonly #replies = new Map<string, ScriptedReply>();

  constructor(modelPath: string) {
    this.#modelPath = modelPath;
  }

  /** Tokenises the script, so that this takes no time later. */
  async start(episodes: number): Promise<void> {
    const { tokenizer } = await readModelText(this.#modelPath);
    for (let index = 0; index < episodes; index += 1) {
      for (const step of [0, 1, 2]) this.#replies.set(`${index}/${step}`, scriptedReply(index, step, tokenizer));
    }
  }

  async generate(request: GenerateRequest): Promise<GenerateReply> {
    const reply = this.#replies.get(request.requestId);
    if (!reply) throw new Error(`the script has nothing for request ${request.requestId}`);
    const { tokenIds, logprobs } = reply;
    await new Promise((resolve) => setTimeout(resolve, FIRST_TOKEN_MS + TOKEN_MS * tokenIds.length));
    return { tokenIds, logprobs, weightVersions: tokenIds.map(() => 1), finishReason: "stop" };
  }

  async health(): Promise<{ readonly healthy: boolean }> {
    return { healthy: true };
  }
}
