/** An engine that says what a test tells it to, byte by byte, as a model's own tokens may differ from the tokenizer's. */

import type { Engine, GenerateReply, GenerateRequest } from "../../../actors/inference/engine.ts";
import type { Tokenizer } from "../../../actors/rollout/tokenizer.ts";

/** What to answer to a request: text (an end of turn follows), or the reply itself, or an error. */
export type Script = (
  request: GenerateRequest,
  index: number,
) => string | Partial<GenerateReply> | Promise<GenerateReply>;

export class ScriptedEngine implements Engine {
  readonly requests: GenerateRequest[] = [];
  readonly #tokenizer: Tokenizer;
  readonly #script: Script;

  constructor(tokenizer: Tokenizer, script: Script) {
    this.#tokenizer = tokenizer;
    this.#script = script;
  }

  async generate(request: GenerateRequest): Promise<GenerateReply> {
    const index = this.requests.length;
    this.requests.push(request);
    const said = await this.#script(request, index);
    const whole = typeof said === "string" ? this.#reply(`${said}<|im_end|>`) : { ...this.#reply(""), ...said };
    if (whole.tokenIds.length <= request.maxTokens) return whole;
    const cut = <T>(values: readonly T[]) => values.slice(0, request.maxTokens);
    return {
      tokenIds: cut(whole.tokenIds),
      logprobs: cut(whole.logprobs),
      weightVersions: cut(whole.weightVersions),
      finishReason: "length",
    };
  }

  #reply(text: string): GenerateReply {
    const tokenIds = sampledIds(this.#tokenizer, text);
    return {
      tokenIds,
      logprobs: tokenIds.map((_, index) => -((index % 7) + 1) / 8),
      weightVersions: tokenIds.map(() => 3),
      finishReason: "stop",
    };
  }
}

/** The ids of `text` with no merge used: each byte alone, and added tokens whole. */
export function sampledIds(tokenizer: Tokenizer, text: string): number[] {
  return text
    .split(/(<\|im_end\|>|<\|endoftext\|>|<\|im_start\|>|<\/?tool_call>|<\/?tool_response>)/)
    .flatMap((part) =>
      tokenizer.idOfAdded(part) === undefined
        ? [...part].flatMap((each) => tokenizer.encode(each))
        : tokenizer.encode(part),
    );
}
