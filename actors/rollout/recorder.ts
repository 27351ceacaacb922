/**
 * Token in, token out: what one episode asked and what the engine sampled. The prompt of a request that goes on from an
 * earlier turn is that turn's own tokens and the new ones; text that was sampled is never tokenised again.
 */

import type { Turn } from "../episode.ts";
import type { ChatMessage } from "../task.ts";
import type { Conversation } from "./chat-template.ts";
import { type ModelText, replyPlaceholder } from "./model-text.ts";
import type { PromptCache } from "./prompt-cache.ts";
import { extendKey, type HistoryKey, historyKeys } from "./timeline.ts";

/** A prompt, and what is needed to go on from its reply. */
export interface Prompt {
  readonly ids: readonly number[];
  /** The request's messages with recorded replies as placeholders, and its rendering. */
  readonly skeleton: readonly ChatMessage[];
  readonly rendered: string;
  readonly key: HistoryKey;
}

interface Timeline {
  readonly skeleton: readonly ChatMessage[];
  readonly rendered: string;
  readonly turn: Turn;
}

export class Recorder {
  readonly turns: Turn[] = [];
  readonly #text: ModelText;
  readonly #cache: PromptCache;
  readonly #timelines = new Map<HistoryKey, Timeline>();

  constructor(text: ModelText, cache: PromptCache) {
    this.#text = text;
    this.#cache = cache;
  }

  /** The tokens of a chat request's prompt. The longest earlier turn that it extends is gone on from. */
  chatPrompt(conversation: Conversation): Prompt {
    const { messages, tools } = conversation;
    const keys = historyKeys(messages, tools);
    const key = keys.at(-1) as HistoryKey;
    for (let length = messages.length; length > 0; length -= 1) {
      const timeline = this.#timelines.get(keys[length] as HistoryKey);
      const prompt = timeline && this.#extend(timeline, conversation, length, key);
      if (prompt) return prompt;
    }
    return this.#fresh(conversation, key);
  }

  /** The tokens of a completion's prompt: given as ids, or as text that may go on from an earlier completion. */
  completionPrompt(prompt: string | readonly number[]): readonly number[] {
    if (typeof prompt !== "string") return prompt;
    let best: { readonly ids: readonly number[]; readonly length: number } = { ids: [], length: 0 };
    for (const turn of this.turns) {
      const text = completionText(turn);
      if (text === undefined || text.length <= best.length || !prompt.startsWith(text)) continue;
      best = { ids: [...turn.promptIds, ...turn.sampledIds], length: text.length };
    }
    return [...best.ids, ...this.#text.tokenizer.encode(prompt.slice(best.length))];
  }

  /** Keeps a turn. `prompt` is what {@link chatPrompt} gave for it; a completion has none. */
  record(turn: Turn, prompt?: Prompt): void {
    this.turns.push(turn);
    if (!prompt) return;
    const skeleton = [...prompt.skeleton, replyPlaceholder(turn.reply)];
    this.#timelines.set(extendKey(prompt.key, turn.reply), { skeleton, rendered: prompt.rendered, turn });
  }

  #fresh(conversation: Conversation, key: HistoryKey): Prompt {
    const { rendered, ids } = this.#cache.get(conversation, key);
    return { ids, skeleton: conversation.messages, rendered, key };
  }

  #extend(timeline: Timeline, conversation: Conversation, length: number, key: HistoryKey): Prompt | undefined {
    const skeleton = [...timeline.skeleton, ...conversation.messages.slice(length)];
    const rendered = this.#text.render({ messages: skeleton, tools: conversation.tools });
    const found = this.#text.afterLastReply(rendered);
    if (!found || !this.#keepsHistory(timeline, conversation, found.before)) return undefined;
    const { promptIds, sampledIds } = timeline.turn;
    const endOfTurn = this.#text.endOfTurn;
    const ended = endOfTurn !== undefined && sampledIds.at(-1) === endOfTurn.id;
    const added = this.#text.tokenizer.encode(ended ? found.after.slice(endOfTurn.text.length) : found.after);
    return { ids: [...promptIds, ...sampledIds, ...added], skeleton, rendered, key };
  }

  /** Whether the template still renders the earlier turn's prompt as it was. Templates may rewrite history themselves. */
  #keepsHistory(timeline: Timeline, { tools }: Conversation, before: string): boolean {
    if (before.startsWith(timeline.rendered)) return true;
    const messages = timeline.skeleton.slice(0, -1);
    return before.startsWith(this.#text.template.render({ messages, tools }, false));
  }
}

/** Prompt and reply of a completion as one text; undefined for a chat turn, and where a token was not text. */
function completionText(turn: Turn): string | undefined {
  const prompt =
    turn.messages.length === 1 && turn.messages[0]?.name === completionName ? turn.messages[0].content : null;
  return typeof prompt === "string" && typeof turn.reply.content === "string" ? prompt + turn.reply.content : undefined;
}

/** Marks the one message that a completion's prompt is kept as. */
export const completionName = "completion_prompt";
