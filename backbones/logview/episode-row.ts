/**
 * What the list knows of one episode: a small row made from its JSON line, so that thousands fit in memory while the
 * episodes themselves stay on disk. Lines come from a folder that anyone may have written: a missing field gives an
 * empty value, and a line that is no episode gives no row.
 */

import type { ChatMessage, EpisodeStatus, Faults, JudgedEpisode } from "../../actors/index.ts";

/** Where an episode's line lies. `file` is the name without `.jsonl`, `line` counts from 0. */
export interface EpisodePlace {
  readonly file: string;
  readonly line: number;
  readonly offset: number;
  readonly length: number;
}

/** One episode in the list. */
export interface EpisodeRow extends EpisodePlace {
  readonly episodeId: string;
  readonly taskId: string;
  readonly split: "train" | "validation";
  readonly step: number;
  readonly repeat: number;
  readonly status: EpisodeStatus;
  readonly reward: number;
  readonly isSuccess: boolean;
  readonly faults: Faults;
  readonly turns: number;
  readonly toolRuns: number;
  readonly sampledTokens: number;
  /** Mean log-probability of the sampled tokens; 0 where there are none. */
  readonly meanLogprob: number;
  readonly durationMs: number;
  readonly question: string;
  readonly answer: string;
  /** What free text is looked for in, in lower case. */
  readonly searchText: string;
}

/** An episode as it may be found on disk. */
export type FoundEpisode = Partial<JudgedEpisode>;

const questionChars = 200;
const answerChars = 80;
const searchChars = 1_000;

/** Makes the row of one JSON line; undefined where the line is no episode. */
export function episodeRow(text: string, place: EpisodePlace): EpisodeRow | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || !("episodeId" in parsed)) return undefined;
  const episode = parsed as FoundEpisode;
  const question = questionOf(episode);
  const answer = finalAnswerOf(episode);
  const logprobs = (episode.turns ?? []).flatMap((turn) => turn.logprobs ?? []);
  return {
    ...place,
    episodeId: String(episode.episodeId),
    taskId: String(episode.taskId ?? ""),
    split: episode.split === "validation" ? "validation" : "train",
    step: Number(episode.step ?? 0),
    repeat: Number(episode.repeat ?? 0),
    status: episode.status ?? "finished",
    reward: Number(episode.result?.rawReward ?? 0),
    isSuccess: episode.result?.isSuccess === true,
    faults: faultsOf(episode),
    turns: episode.turns?.length ?? 0,
    toolRuns: episode.toolRuns?.length ?? 0,
    sampledTokens: logprobs.length,
    meanLogprob: logprobs.length === 0 ? 0 : logprobs.reduce((sum, value) => sum + value, 0) / logprobs.length,
    durationMs: Number(episode.durationMs ?? 0),
    question: question.slice(0, questionChars),
    answer: answer.slice(0, answerChars),
    searchText: searchTextOf(episode, question, answer),
  };
}

/** The faults of an episode, each false where it is not told. */
export function faultsOf(episode: FoundEpisode): Faults {
  const found: Partial<Faults> = episode.faults ?? {};
  return {
    malformedCall: found.malformedCall === true,
    noPrint: found.noPrint === true,
    earlyAnswer: found.earlyAnswer === true,
    toolUse: found.toolUse === true,
  };
}

/** The first thing the user said. */
export function questionOf(episode: FoundEpisode): string {
  const message = episode.turns?.[0]?.messages?.find((candidate) => candidate.role === "user");
  return message === undefined ? "" : contentText(message);
}

/** What the workflow registered as its final answer, as text. */
export function finalAnswerOf(episode: FoundEpisode): string {
  const answer = episode.judgeInput?.["final_answer"];
  if (answer === undefined || answer === null) return "";
  return typeof answer === "string" ? answer : JSON.stringify(answer);
}

/** The text of a message; its parts that are not text are named in brackets. */
export function contentText(message: ChatMessage): string {
  const { content } = message;
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  return content.map((part) => part.text ?? `[${part.type}]`).join("");
}

function searchTextOf(episode: FoundEpisode, question: string, answer: string): string {
  const head = [episode.episodeId, episode.taskId, question.slice(0, questionChars), answer.slice(0, answerChars)];
  const judged = [episode.result?.reason?.slice(0, 160), episode.error?.slice(0, 160)];
  const runs = (episode.toolRuns ?? []).map((run) => run.output?.slice(0, 160));
  const replies = (episode.turns ?? []).map((turn) => turn.text?.slice(0, 160));
  return [...head, ...judged, ...runs, ...replies]
    .filter((part) => part !== undefined && part !== "")
    .join("\n")
    .slice(0, searchChars)
    .toLowerCase();
}
