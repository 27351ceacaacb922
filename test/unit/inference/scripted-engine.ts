/** An engine whose answers the test gives out. */

import type { GenerateReply, GenerateRequest, RoutedEngine } from "../../../actors/inference/index.ts";

const REPLY: GenerateReply = { tokenIds: [1], logprobs: [-0.5], weightVersions: [0], finishReason: "stop" };

export function request(changes: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    requestId: "r",
    promptIds: [1, 2, 3],
    maxTokens: 4,
    temperature: 1,
    topP: 1,
    topK: -1,
    stopTokenIds: [],
    ...changes,
  };
}

export class ScriptedEngine implements RoutedEngine {
  readonly seen: GenerateRequest[] = [];
  isHealthy = true;
  readonly #waiting: ((reply: GenerateReply) => void)[] = [];
  #error: Error | undefined;
  #isFast = false;

  generate(asked: GenerateRequest): Promise<GenerateReply> {
    this.seen.push(asked);
    if (this.#error) return Promise.reject(this.#error);
    if (this.#isFast) return Promise.resolve(REPLY);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async health(): Promise<{ healthy: boolean }> {
    return { healthy: this.isHealthy };
  }

  answerAll(): void {
    for (const resolve of this.#waiting.splice(0)) resolve(REPLY);
  }

  answerAtOnce(): void {
    this.#error = undefined;
    this.#isFast = true;
  }

  failWith(error: Error): void {
    this.#error = error;
  }
}
