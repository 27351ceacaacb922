/** Rows as a table for a terminal. */

import Table from "cli-table3";
import type { Row } from "../../../runtime/control/index.ts";

const longest = 60;

/** A table of these columns, without frames between rows. */
export function tableOf(columns: readonly string[], rows: readonly Row[]): string {
  const table = new Table({ head: [...columns], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(columns.map((column) => cell(row[column])));
  return table.toString();
}

/** A value for people; long ones are cut. */
export function cell(value: unknown): string {
  const text = value === null || value === undefined ? "" : typeof value === "object" ? inWords(value) : String(value);
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

function inWords(value: object): string {
  if (Array.isArray(value)) return value.map(cell).join(", ");
  const pairs = Object.entries(value).filter(([name]) => !name.startsWith("node:") && name !== "ray.io/node-id");
  return pairs
    .map(([name, each]) => (name === "memory" ? `memory: ${size(Number(each))}` : `${name}: ${cell(each)}`))
    .join(", ");
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Bytes for people. */
export function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 2 ** (10 * power);
  return `${power === 0 ? amount : amount.toFixed(1)} ${units[power]}`;
}

/** How long ago, for people. */
export function ago(sinceMs: number, nowMs = Date.now()): string {
  const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
