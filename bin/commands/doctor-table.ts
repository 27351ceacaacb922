/** How `astune doctor` shows what it found. */

import Table from "cli-table3";
import type { Finding } from "./doctor-checks.ts";

/** The findings as a table for a terminal. */
export function tableOf(findings: readonly Finding[]): string {
  const table = new Table({
    head: ["what", "state", "found", "without it / how to get it"],
    style: { head: [], border: [], compact: true },
    colWidths: [20, 10, 46, 56],
    wordWrap: true,
  });
  for (const { name, state, needed, found, advice } of findings) {
    const shown = state === "missing" && !needed ? "optional" : state;
    table.push([name, shown, found, state === "missing" ? (advice ?? "") : ""]);
  }
  return table.toString();
}
