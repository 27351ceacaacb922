/** Prompts that many episodes begin with (the repeats of a task, the same system message) are tokenised once. */

import type { Conversation } from "./chat-template.ts";
import type { ModelText } from "./model-text.ts";
import type { HistoryKey } from "./timeline.ts";

/** A prompt as text and as tokens. */
export interface RenderedPrompt {
  readonly rendered: string;
  readonly ids: readonly number[];
}

/** Prompts kept at once. */
const capacity = 256;

export class PromptCache {
  readonly #text: ModelText;
  readonly #prompts = new Map<HistoryKey, RenderedPrompt>();

  constructor(text: ModelText) {
    this.#text = text;
  }

  /** The prompt of a conversation, freshly tokenised or from the cache. Only histories without replies are kept. */
  get(conversation: Conversation, key: HistoryKey): RenderedPrompt {
    const known = this.#prompts.get(key);
    if (known) return known;
    const rendered = this.#text.render(conversation);
    const prompt = { rendered, ids: this.#text.tokenizer.encode(rendered) };
    if (conversation.messages.every(({ role }) => role === "system" || role === "user")) this.#keep(key, prompt);
    return prompt;
  }

  #keep(key: HistoryKey, prompt: RenderedPrompt): void {
    const [oldest] = this.#prompts.keys();
    if (this.#prompts.size >= capacity && oldest !== undefined) this.#prompts.delete(oldest);
    this.#prompts.set(key, prompt);
  }
}
