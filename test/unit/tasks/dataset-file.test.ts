/** Tasks from JSONL files: which rows are tasks, and what is said of those that are not. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTasks } from "../../../actors/tasks/index.ts";
import { UserError } from "../../../configs/index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-tasks-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function open(text: string) {
  const file_path = join(folder, "tasks.jsonl");
  await writeFile(file_path, text);
  return openTasks({ type: "dataset_file", dataset_file: { training: { file_path } } }, "training");
}

test("upstream's fields are read as they are", async () => {
  const row = {
    main_query: "go",
    init_messages: [
      { role: "system", content: "s" },
      { role: "user", content: "go now" },
    ],
    task_id: "t7",
    env_type: "web",
    metadata: { answer: "42" },
  };
  const tasks = await open(JSON.stringify(row));
  expect(tasks.length).toBe(1);
  expect(await tasks.at(0)).toEqual({
    taskId: "t7",
    mainQuery: "go",
    initMessages: row.init_messages,
    envType: "web",
    metadata: { answer: "42" },
  });
});

test("rows of question and answer are tasks too", async () => {
  const tasks = await open(`{"question":"1+1?","answer":"#### 2"}\n\n{"query":"2+2?"}\r\n`);
  expect(tasks.length).toBe(2);
  expect(await tasks.at(0)).toEqual({
    taskId: "0",
    mainQuery: "1+1?",
    initMessages: [{ role: "user", content: "1+1?" }],
    envType: "no_env",
    metadata: { question: "1+1?", answer: "#### 2" },
  });
  expect((await tasks.at(1)).taskId).toBe("1");
  await expect(tasks.at(2)).rejects.toThrow(RangeError);
});

test("a byte order mark and every line separator inside strings are harmless", async () => {
  const tasks = await open(`\uFEFF{"question":"a\u2028b"}\n{"question":"c"}`);
  expect((await tasks.at(0)).mainQuery).toBe("a\u2028b");
  expect(tasks.length).toBe(2);
});

test.each([
  [`{"question":"a"}\n{"question":`, /tasks\.jsonl:2: expected one JSON object a line/],
  [`{"question":"a"}\n[1]`, /tasks\.jsonl:2: expected a JSON object, got \[1\]/],
  [`{"text":"a","x":1}`, /tasks\.jsonl:1: expected a task with main_query, question or query, got the keys text, x/],
  [`{"question":"a","init_messages":"hi"}`, /tasks\.jsonl:1: expected init_messages to be a list/],
  ["", /tasks\.jsonl: expected at least one task, got an empty file/],
])("%j is refused with file and line", async (text, message) => {
  const error = (await open(text).catch((reason: unknown) => reason)) as Error;
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain("\n");
});

test("a missing file, a folder, a missing key and an unknown type are refused", async () => {
  const at = (file_path: string | null) =>
    openTasks({ type: "dataset_file", dataset_file: { validation: { file_path } } }, "validation");
  await expect(at(join(folder, "none.jsonl"))).rejects.toThrow(
    /none\.jsonl: expected a readable JSONL file, got no such file/,
  );
  await expect(at(folder)).rejects.toThrow(/got a folder/);
  await expect(at(null)).rejects.toThrow(/task_reader\.dataset_file\.validation\.file_path/);
  await expect(openTasks({ type: "magic" }, "training")).rejects.toThrow(
    /expected dataset_file, huggingface_dat_repo or env_service/,
  );
});
