/** What a finished run says of itself, for programs (`summary.json`) and for people (a table). */

import Table from "cli-table3";
import type { Rates } from "./statistics.ts";

export interface Summary {
  /** Rates on the held-out tasks; null where they were not measured. */
  readonly before: Rates | null;
  readonly after: Rates | null;
  readonly steps: number;
  readonly episodes: number;
  readonly failed_episodes: number;
  readonly skipped_updates: number;
  readonly seconds: number;
  /** Seconds by phase. */
  readonly phases: Readonly<Record<string, number>>;
  readonly validation_tasks: number;
  readonly model: string;
}

const ROWS: readonly (readonly [keyof Rates, string])[] = [
  ["success", "success"],
  ["malformed_call", "call not well-formed"],
  ["no_print", "code that prints nothing"],
  ["early_answer", "answer before the tool ran"],
  ["tool_use", "episodes that ran the tool"],
];

const percent = (value: number | undefined): string => (value === undefined ? "–" : `${(value * 100).toFixed(1)} %`);

/** The before/after table on the held-out tasks. */
export function summaryTable(summary: Summary): string {
  const table = new Table({
    head: [`held-out tasks: ${summary.validation_tasks}`, "before", "after"],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "right"],
  });
  for (const [key, label] of ROWS) table.push([label, percent(summary.before?.[key]), percent(summary.after?.[key])]);
  return table.toString();
}
