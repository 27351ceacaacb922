// Rows counted by what they are, as `ray summary` does.
import type { ListKind, Row } from "../control/index.ts";

/** The columns by which rows are counted. */
const by: Readonly<Record<ListKind, readonly string[]>> = {
  nodes: ["state"],
  actors: ["class_name", "state"],
  tasks: ["name", "type", "state"],
  objects: ["type", "task_status"],
  "placement-groups": ["strategy", "state"],
  jobs: ["type", "status"],
};

/** One row for each combination there is, with its `count`; the most frequent first. */
export function summarize(kind: ListKind, rows: readonly Row[]): Row[] {
  const groups = new Map<string, Record<string, unknown> & { count: number }>();
  for (const row of rows) {
    const values = by[kind].map((column) => [column, row[column] ?? null] as const);
    const key = JSON.stringify(values);
    const group = groups.get(key) ?? { ...Object.fromEntries(values), count: 0 };
    group.count += 1;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}
