/**
 * One episode as the page shows it: what each turn added, its reply token for token, its tool runs and faults, and the
 * training sequences. Columns instead of objects per token, because a sequence may have tens of thousands.
 */

import type { ChatMessage, JudgeResult, ToolRun, TrainingSequence, Turn } from "../../actors/index.ts";
import { contentText, type EpisodeRow, type FoundEpisode, finalAnswerOf, questionOf } from "./episode-row.ts";
import type { TokenTexts } from "./token-text.ts";
import type { FoundTokenizer } from "./tokenizer-source.ts";

/** Tokens as columns; `logprobs` is 0 and `versions` -1 where a token was not sampled. */
export interface TokenColumns extends TokenTexts {
  readonly ids: readonly number[];
  readonly trained: readonly (0 | 1)[];
  readonly logprobs: readonly number[];
  readonly versions: readonly number[];
}

/** A fault, and the sentence that explains it. */
export type TurnFault = "malformed_call" | "no_print" | "early_answer";

/** A message as text, with its calls. */
export interface MessageView {
  readonly role: string;
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

/** One request and its reply. `messages` are those that the turn before did not have. */
export interface TurnView {
  readonly messages: readonly MessageView[];
  readonly reply: MessageView;
  readonly tokens: TokenColumns;
  readonly finishReason: string;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly toolRuns: readonly ToolRun[];
  readonly faults: readonly TurnFault[];
}

/** An episode, ready to be shown. */
export interface EpisodeView {
  readonly row: Omit<EpisodeRow, "searchText" | "offset" | "length">;
  readonly question: string;
  readonly finalAnswer: string;
  readonly judgeInput: Readonly<Record<string, unknown>>;
  readonly result: JudgeResult;
  readonly error?: string;
  readonly turns: readonly TurnView[];
  readonly sequences: readonly TokenColumns[];
  /** One line where the tokens' texts could not be had. */
  readonly tokenizerProblem?: string;
}

/** Builds the view of an episode. */
export function episodeView(row: EpisodeRow, episode: FoundEpisode, tokenizer: FoundTokenizer): EpisodeView {
  const { searchText: _search, offset: _offset, length: _length, ...shown } = row;
  const turns = episode.turns ?? [];
  const early = earlyTurns(episode);
  return {
    row: shown,
    question: questionOf(episode),
    finalAnswer: finalAnswerOf(episode),
    judgeInput: episode.judgeInput ?? {},
    result: episode.result ?? { rawReward: 0, isSuccess: false },
    ...(episode.error === undefined ? {} : { error: episode.error }),
    turns: turns.map((turn, index) => {
      const toolRuns = (episode.toolRuns ?? []).filter((run) => run.turn === index);
      return {
        messages: newMessages(turns[index - 1], turn).map(messageView),
        reply: messageView(turn.reply ?? { role: "assistant", content: turn.text }),
        tokens: sampledColumns(turn, tokenizer),
        finishReason: turn.finishReason,
        startedMs: turn.startedMs,
        durationMs: turn.durationMs,
        toolRuns,
        faults: [
          ...(turn.malformedCalls > 0 ? (["malformed_call"] as const) : []),
          ...(row.faults.noPrint && toolRuns.some((run) => run.printed === false) ? (["no_print"] as const) : []),
          ...(early.has(index) ? (["early_answer"] as const) : []),
        ],
      };
    }),
    sequences: (episode.sequences ?? []).map((sequence) => sequenceColumns(sequence, tokenizer)),
    ...(tokenizer.problem === undefined ? {} : { tokenizerProblem: tokenizer.problem }),
  };
}

/**
 * The turns that answered too early. An episode only tells that it happened, so these are the turns that asked for a
 * tool and named the answer; where none does both, the last that asked for a tool, or the last of all.
 */
export function earlyTurns(episode: FoundEpisode): ReadonlySet<number> {
  const turns = episode.turns ?? [];
  if (episode.faults?.earlyAnswer !== true || turns.length === 0) return new Set();
  const answer = finalAnswerOf(episode);
  const asking = [...turns.entries()].filter(([, turn]) => asksForTool(turn));
  const both = asking.filter(([, turn]) => /boxed|<tool_response>|final answer/i.test(turn.text) || says(turn, answer));
  if (both.length > 0) return new Set(both.map(([index]) => index));
  return new Set([asking.at(-1)?.[0] ?? turns.length - 1]);
}

function asksForTool(turn: Turn): boolean {
  return (
    (turn.reply?.tool_calls?.length ?? 0) > 0 || turn.malformedCalls > 0 || /<tool_call>|```/.test(turn.text ?? "")
  );
}

function says(turn: Turn, answer: string): boolean {
  return answer !== "" && contentText(turn.reply).includes(answer);
}

/** The messages that this turn added to the conversation; all of them where the history was rewritten. */
function newMessages(before: Turn | undefined, turn: Turn): readonly ChatMessage[] {
  const messages = turn.messages ?? [];
  if (before === undefined) return messages;
  const old = before.messages ?? [];
  const isExtended = old.length <= messages.length && old.every((message, index) => same(message, messages[index]));
  if (!isExtended) return messages;
  const added = messages.slice(old.length);
  return added[0]?.role === "assistant" ? added.slice(1) : added;
}

function same(a: ChatMessage, b: ChatMessage | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function messageView(message: ChatMessage): MessageView {
  const calls = (message.tool_calls ?? []).map((call) => ({
    name: String(call.function?.name ?? ""),
    arguments: String(call.function?.arguments ?? ""),
  }));
  return { role: message.role, text: contentText(message), calls };
}

function sampledColumns(turn: Turn, tokenizer: FoundTokenizer): TokenColumns {
  const ids = turn.sampledIds ?? [];
  return {
    ...tokenizer.decoder.decode(ids),
    ids,
    trained: ids.map(() => 1),
    logprobs: (turn.logprobs ?? []).map(rounded),
    versions: turn.weightVersions ?? [],
  };
}

function sequenceColumns(sequence: TrainingSequence, tokenizer: FoundTokenizer): TokenColumns {
  return {
    ...tokenizer.decoder.decode(sequence.tokenIds),
    ids: sequence.tokenIds,
    trained: sequence.lossMask,
    logprobs: sequence.logprobs.map(rounded),
    versions: sequence.weightVersions,
  };
}

/** Enough digits to read, and to tell 0 from almost 0. */
function rounded(logprob: number): number {
  return Number(logprob.toPrecision(5));
}
