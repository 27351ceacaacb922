/** `astune list`, `get` and `summary`. */

import { nearest, UserError } from "../../../configs/index.ts";
import type { HeadAccess } from "../../../runtime/client/index.ts";
import { type ListFilter, type ListKind, listKinds, type Row, type TaskCount } from "../../../runtime/control/index.ts";
import { columnsOf, parseFilter, summarize } from "../../../runtime/state/index.ts";
import type { Print } from "../config.ts";
import { everything, findRow, listRows } from "./find-row.ts";
import { cell, tableOf } from "./table.ts";

export interface ListFlags {
  readonly json?: boolean;
  readonly detail?: boolean;
  readonly filter?: readonly string[];
  readonly limit?: number;
}

/** `nodes`, or `node`. Throws a UserError with the nearest kind. */
export function kindOf(text: string): ListKind {
  const kind = listKinds.find((each) => each === text || each === `${text}s` || each.replace("-", "_") === text);
  if (kind) return kind;
  const near = nearest(text, listKinds);
  throw new UserError({
    where: "what to list",
    expected: listKinds.join(", "),
    found: text,
    ...(near !== undefined && { fix: `did you mean ${near}?` }),
  });
}

export async function list(head: HeadAccess, kindText: string, flags: ListFlags, print: Print): Promise<void> {
  const kind = kindOf(kindText);
  const { limit = 100 } = flags;
  const filters = (flags.filter ?? []).map(filterOf);
  const {
    total,
    num_filtered,
    result,
    columns,
    partial_failure_warning: warning,
  } = await listRows(head, { kind, filters, limit });
  checkColumns(filters, columns);
  if (flags.json === true) return print(JSON.stringify(result, undefined, 2));
  if (result.length > 0)
    print(tableOf(flags.detail ? Object.keys(result[0] ?? {}) : shownColumns(kind, result), result));
  const cut = result.length < num_filtered ? `, the first ${result.length} are shown (--limit)` : "";
  const of = num_filtered < total ? ` of ${total}` : "";
  print(`${num_filtered}${of} ${kind}${cut}`);
  for (const row of result)
    if (row["pending_reason"]) print(`pending: ${nameOf(row)}: ${String(row["pending_reason"])}`);
  if (warning !== "") print(`not everything is shown: ${warning}`);
}

export async function get(head: HeadAccess, kindText: string, id: string, json: boolean, print: Print): Promise<void> {
  const row = await findRow(head, kindOf(kindText), id);
  if (json) return print(JSON.stringify(row, undefined, 2));
  for (const [name, value] of Object.entries(row)) {
    print(`${name}: ${typeof value === "object" && value !== null ? JSON.stringify(value) : (value ?? "")}`);
  }
}

export async function summary(head: HeadAccess, kindText: string, json: boolean, print: Print): Promise<void> {
  const kind = kindOf(kindText);
  const { result, partial_failure_warning: warning } = await listRows(head, { kind, filters: [], limit: everything });
  const rows = summarize(kind, result);
  const counts = kind === "tasks" ? await taskCounts(head) : undefined;
  if (json) return print(JSON.stringify(counts ? { summary: rows, calls: counts } : { summary: rows }, undefined, 2));
  if (rows.length > 0) print(tableOf(Object.keys(rows[0] ?? {}), rows));
  else print(`no ${kind}`);
  if (counts && counts.length > 0) {
    print("calls, all of them since the nodes' start:");
    print(tableOf(["name", "type", "started", "failed"], counts));
  }
  if (warning !== "") print(`not everything is shown: ${warning}`);
}

/** How often each function was called, on all nodes together. */
async function taskCounts(head: HeadAccess): Promise<Row[]> {
  const { counts } = (await head.ask("tasks", null)) as { counts: readonly TaskCount[] };
  const sums = new Map<string, TaskCount>();
  for (const count of counts) {
    const key = `${count.type} ${count.name}`;
    const known = sums.get(key);
    const started = count.started + (known?.started ?? 0);
    sums.set(key, { ...count, started, failed: count.failed + (known?.failed ?? 0) });
  }
  return [...sums.values()].sort((a, b) => b.started - a.started).map((count) => ({ ...count }));
}

function filterOf(text: string): ListFilter {
  const filter = parseFilter(text);
  if (filter) return filter;
  throw new UserError({ where: "--filter", expected: "column=value or column!=value", found: text });
}

/** A condition on a column that no row has is a mistake, not an empty list. */
function checkColumns(filters: readonly ListFilter[], columns: readonly string[]): void {
  if (columns.length === 0) return;
  for (const { column } of filters) {
    if (columns.includes(column)) continue;
    const near = nearest(column, columns);
    const fix = near === undefined ? `columns: ${columns.join(", ")}` : `did you mean ${near}?`;
    throw new UserError({ where: "--filter", expected: "a column", found: column, fix });
  }
}

/** Columns that are empty in every row only take room. */
function shownColumns(kind: ListKind, rows: readonly Row[]): string[] {
  return columnsOf(kind).filter((column) => rows.some((row) => cell(row[column]) !== ""));
}

function nameOf(row: Row): string {
  const [id] = Object.values(row);
  const name = row["name"] || row["class_name"];
  return name ? `${String(id)} (${String(name)})` : String(id);
}
