/** Which episodes the list shows: the query of the page, read strictly, as a predicate over rows. */

import type { EpisodeRow } from "./episode-row.ts";

const faultChoices = ["any", "none", "malformed_call", "no_print", "early_answer", "no_tool", "not_finished"] as const;

/** One kind of fault to look for; `any` and `none` are about the three faults. */
export type FaultChoice = (typeof faultChoices)[number];

/** What to show. A field that is left out excludes nothing. */
export interface EpisodeFilter {
  readonly split?: "train" | "validation";
  readonly firstStep?: number;
  readonly lastStep?: number;
  /** Part of the task's id, in lower case. */
  readonly task?: string;
  readonly fault?: FaultChoice;
  readonly success?: boolean;
  /** Words that must all be there, in lower case. */
  readonly words?: readonly string[];
}

/** Reads the query of `/api/episodes`. What it does not understand excludes nothing. */
export function parseEpisodeFilter(query: Readonly<Record<string, string | undefined>>): EpisodeFilter {
  const steps = /^\s*(\d+)\s*(?:[-–]\s*(\d+)?)?\s*$/.exec(query["step"] ?? "");
  const isRange = /[-–]/.test(query["step"] ?? "");
  const task = query["task"]?.trim().toLowerCase();
  const words = query["text"]?.toLowerCase().split(/\s+/).filter(Boolean) ?? [];
  const { split, success } = query;
  const fault = faultChoices.find((choice) => choice === query["fault"]);
  return {
    ...(split === "train" || split === "validation" ? { split } : {}),
    ...(steps ? { firstStep: Number(steps[1]) } : {}),
    ...(steps && !(isRange && steps[2] === undefined) ? { lastStep: Number(steps[2] ?? steps[1]) } : {}),
    ...(task ? { task } : {}),
    ...(fault ? { fault } : {}),
    ...(success === "true" || success === "false" ? { success: success === "true" } : {}),
    ...(words.length > 0 ? { words } : {}),
  };
}

/** Whether a row is to be shown. */
export function matches(row: EpisodeRow, filter: EpisodeFilter): boolean {
  if (filter.split !== undefined && row.split !== filter.split) return false;
  if (filter.firstStep !== undefined && row.step < filter.firstStep) return false;
  if (filter.lastStep !== undefined && row.step > filter.lastStep) return false;
  if (filter.success !== undefined && row.isSuccess !== filter.success) return false;
  if (filter.task !== undefined && !row.taskId.toLowerCase().includes(filter.task)) return false;
  if (filter.fault !== undefined && !hasFault(row, filter.fault)) return false;
  return filter.words?.every((word) => row.searchText.includes(word)) ?? true;
}

function hasFault(row: EpisodeRow, fault: FaultChoice): boolean {
  const { malformedCall, noPrint, earlyAnswer, toolUse } = row.faults;
  switch (fault) {
    case "any":
      return malformedCall || noPrint || earlyAnswer;
    case "none":
      return !(malformedCall || noPrint || earlyAnswer);
    case "malformed_call":
      return malformedCall;
    case "no_print":
      return noPrint;
    case "early_answer":
      return earlyAnswer;
    case "no_tool":
      return !toolUse;
    case "not_finished":
      return row.status !== "finished";
  }
}
