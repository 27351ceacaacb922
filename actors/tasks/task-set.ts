/** A set of tasks that can be asked by position, and how a row of data becomes a task. */

import { UserError } from "../../configs/index.ts";
import type { ChatMessage, Task } from "../task.ts";

/** Tasks of one split, in their order. */
export interface TaskSet {
  readonly length: number;
  /** The task at `index`, 0 up to `length - 1`. Throws a `RangeError` outside. */
  at(index: number): Promise<Task>;
}

/** A task set over tasks that are all in memory. */
export function taskSetOf(tasks: readonly Task[]): TaskSet {
  return {
    length: tasks.length,
    async at(index) {
      const task = tasks[index];
      if (!task) throw new RangeError(`there is no task ${index}; the set has ${tasks.length}`);
      return task;
    },
  };
}

/** Where a row stands, and what its task is called when it does not say so itself. */
export interface RowPlace {
  readonly where: string;
  readonly defaultId: string;
}

/**
 * One row as a task. The query is `main_query`, `question`, `query`, `problem` or `prompt`, or the last user message of
 * `init_messages`; metadata is `metadata` or the whole row. Throws a `UserError` for a row with no query.
 */
export function taskOfRow(row: unknown, place: RowPlace): Task {
  if (!isRecord(row)) throw new UserError({ where: place.where, expected: "a JSON object", found: shown(row) });
  const messages = messagesOf(row["init_messages"] ?? row["messages"], place);
  const query = queryOf(row, messages);
  if (query === undefined) {
    throw new UserError({
      where: place.where,
      expected: "a task with main_query, question or query",
      found: `the keys ${Object.keys(row).slice(0, 12).join(", ") || "(none)"}`,
    });
  }
  const id = row["task_id"] ?? row["id"];
  const metadata = row["metadata"];
  const envType = row["env_type"];
  return {
    taskId: typeof id === "string" || typeof id === "number" ? String(id) : place.defaultId,
    mainQuery: query,
    initMessages: messages.length > 0 ? messages : [{ role: "user", content: query }],
    envType: typeof envType === "string" ? envType : "no_env",
    metadata: isRecord(metadata) ? metadata : row,
  };
}

function queryOf(row: Record<string, unknown>, messages: readonly ChatMessage[]): string | undefined {
  for (const key of ["main_query", "question", "query", "problem", "prompt"]) {
    const value = row[key];
    if (typeof value === "string" && value.trim() !== "") return value;
  }
  const last = messages.findLast((message) => message.role === "user")?.content;
  return typeof last === "string" ? last : undefined;
}

function messagesOf(value: unknown, { where }: RowPlace): ChatMessage[] {
  if (value === undefined || value === null) return [];
  const roles = ["system", "user", "assistant", "tool"];
  if (Array.isArray(value) && value.every((each) => isRecord(each) && roles.includes(String(each["role"]))))
    return value;
  throw new UserError({ where, expected: "init_messages to be a list of { role, content }", found: shown(value) });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
