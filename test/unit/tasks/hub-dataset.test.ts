/** Data sets in folders: how file names become configurations and splits, and how their rows are read. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTasks } from "../../../actors/tasks/index.ts";
import { chooseConfig, datasetLayout } from "../../../actors/tasks/split-files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-hub-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function file(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

function parquet(questions: readonly string[]): Uint8Array {
  const columnData = [
    { name: "question", data: [...questions], type: "STRING" as const },
    { name: "count", data: questions.map((_, i) => BigInt(i)), type: "INT64" as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

const open = (facts: Record<string, unknown> = {}, split: "training" | "validation" = "training") =>
  openTasks({ type: "huggingface_dat_repo", huggingface_dat_repo: { dataset_path: folder, ...facts } }, split);

test.each([
  [["train-00000-of-00001.parquet"], { default: { train: ["train-00000-of-00001.parquet"] } }],
  [
    ["data/train.jsonl", "data/dev.jsonl"],
    { default: { validation: ["data/dev.jsonl"], train: ["data/train.jsonl"] } },
  ],
  [
    ["main/test-00000-of-00001.parquet", "main/train-00000-of-00001.parquet", "socratic/train-00000-of-00001.parquet"],
    {
      main: { test: ["main/test-00000-of-00001.parquet"], train: ["main/train-00000-of-00001.parquet"] },
      socratic: { train: ["socratic/train-00000-of-00001.parquet"] },
    },
  ],
  [["train/b.jsonl", "train/a.jsonl", "README.md"], { default: { train: ["train/a.jsonl", "train/b.jsonl"] } }],
  [["train.jsonl", "train.parquet"], { default: { train: ["train.parquet"] } }],
  [["stuff.jsonl"], { default: { train: ["stuff.jsonl"] } }],
  [["contrastive-test.jsonl"], { default: { test: ["contrastive-test.jsonl"] } }],
  [["restaurant.jsonl"], { default: { train: ["restaurant.jsonl"] } }],
])("%j is laid out as its names say", (paths, layout) => {
  const found = Object.fromEntries(
    [...datasetLayout(paths)].map(([name, splits]) => [name, Object.fromEntries(splits)]),
  );
  expect(found).toEqual(layout);
});

test("the configuration is main, default or the only one, unless it is named", () => {
  const layout = datasetLayout(["main/train.jsonl", "socratic/train.jsonl"]);
  expect(chooseConfig(layout, undefined)).toBe("main");
  expect(chooseConfig(layout, "socratic")).toBe("socratic");
  expect(chooseConfig(layout, "other")).toBeUndefined();
  expect(chooseConfig(datasetLayout(["a/train.jsonl"]), undefined)).toBe("a");
  expect(chooseConfig(datasetLayout(["a/train.jsonl", "b/train.jsonl"]), undefined)).toBeUndefined();
});

test("parquet and JSONL shards are read in order, 64-bit numbers as numbers", async () => {
  await file("data/train-00000-of-00002.parquet", parquet(["a", "b"]));
  await file("data/train-00001-of-00002.parquet", parquet(["c"]));
  await file("data/test.jsonl", `{"question":"t"}`);
  const tasks = await open();
  expect(tasks.length).toBe(3);
  expect(await tasks.at(1)).toMatchObject({ taskId: "1", mainQuery: "b", metadata: { question: "b", count: 1 } });
  expect((await tasks.at(2)).mainQuery).toBe("c");
  const held = await open({ validation_split: "test" }, "validation");
  expect((await held.at(0)).mainQuery).toBe("t");
});

test("one file alone is a data set", async () => {
  await file("only.jsonl", `{"question":"q"}`);
  expect((await open({ dataset_path: join(folder, "only.jsonl") })).length).toBe(1);
});

test("a missing split, configuration or folder is said with what there is", async () => {
  await file("a/train.jsonl", `{"question":"q"}`);
  await expect(open({}, "validation")).rejects.toThrow(/expected a split validation, got only train/);
  await file("b/train.jsonl", `{"question":"q"}`);
  await expect(open()).rejects.toThrow(/dataset_name.*the configurations a, b/);
  await expect(open({ dataset_name: "c" })).rejects.toThrow(/the configuration c/);
  await expect(open({ dataset_path: join(folder, "none") })).rejects.toThrow(/no such folder/);
  await file("a/train.parquet", "no parquet");
  await expect(open({ dataset_name: "a" })).rejects.toThrow(/train\.parquet: expected a parquet file/);
});
