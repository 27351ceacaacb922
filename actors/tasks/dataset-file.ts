/** Tasks from a JSONL file, one a line. */

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { UserError } from "../../configs/index.ts";
import type { Task } from "../task.ts";
import { type TaskSet, taskOfRow, taskSetOf } from "./task-set.ts";

/**
 * Reads all tasks of `path`; blank lines do not count, and a task without an id is called by its row number.
 * Throws a `UserError` with file and line for a missing or empty file, bad JSON, or a row that is no task.
 */
export async function openDatasetFile(path: string): Promise<TaskSet> {
  const tasks: Task[] = [];
  for await (const { row, line } of readJsonLines(path)) {
    tasks.push(taskOfRow(row, { where: `${path}:${line}`, defaultId: String(tasks.length) }));
  }
  if (tasks.length === 0) throw new UserError({ where: path, expected: "at least one task", found: "an empty file" });
  return taskSetOf(tasks);
}

/** The rows of a JSONL file with their line numbers (from 1). Throws a `UserError` for a file or line that does not read. */
export async function* readJsonLines(path: string): AsyncGenerator<{ readonly row: unknown; readonly line: number }> {
  let line = 0;
  try {
    const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const text of lines) {
      line += 1;
      const json = line === 1 ? text.replace(/^\uFEFF/, "") : text;
      if (json.trim() !== "") yield { row: parse(json, `${path}:${line}`), line };
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof UserError || code === undefined || typeof code !== "string") throw error;
    const found = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a folder" : code;
    throw new UserError({ where: path, expected: "a readable JSONL file", found }, { cause: error });
  }
}

function parse(json: string, where: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const found = `${(error as Error).message} in ${json.slice(0, 60)}`;
    throw new UserError({ where, expected: "one JSON object a line", found }, { cause: error });
  }
}
