/** A model or data set that is not on this machine is one line each, before anything starts. */

import { expect, test } from "vitest";
import { checkInputs, type LoadedConfig, loadConfig } from "../../../configs/index.ts";
import { SMALLEST, yamlFolder } from "./yaml-folder.ts";

const { folder, write } = yamlFolder();
write("models/tiny/config.json", "{}");
write("models/empty/readme", "");
write("tasks.jsonl", "{}");

async function problems(
  set: readonly string[],
  where?: (loaded: LoadedConfig) => (key: string) => string,
): Promise<string[]> {
  const loaded = await loadConfig(write("conf.yaml", SMALLEST), { set, workingFolder: "/nowhere" });
  try {
    checkInputs(loaded.config, where?.(loaded));
    return [];
  } catch (error) {
    return (error as Error).message.split("\n");
  }
}

const file = (which: string, path: string) => `task_reader.dataset_file.${which}.file_path=${path}`;
const dataset = (path: string) => [
  "task_reader.type=huggingface_dat_repo",
  `task_reader.huggingface_dat_repo.dataset_path=${path}`,
];

test("a model folder and task files that are there pass", async () => {
  expect(await problems([])).toEqual([]);
  expect(await problems(["task_reader.type=dataset_file", file("training", "tasks.jsonl")])).toEqual([]);
});

test("a missing model is one line with what to do", async () => {
  expect(await problems(["model.path=models/none"])).toEqual([
    "astune.model.path: expected a model folder, got no such folder: /nowhere/models/none (download the model there first)",
  ]);
});

test("a folder that is no model is told from one that is missing", async () => {
  expect(await problems(["model.path=models/empty"])).toEqual([
    `astune.model.path: expected a model folder with a config.json, got a folder without one: ${folder}/models/empty`,
  ]);
  expect((await problems(["model.path=tasks.jsonl"]))[0]).toContain("got a file:");
});

test("each missing task file is a line", async () => {
  const set = ["task_reader.type=dataset_file", file("training", "a.jsonl"), file("validation", "models")];
  expect(await problems(set)).toEqual([
    "astune.task_reader.dataset_file.training.file_path: expected a JSONL file, got no such file: /nowhere/a.jsonl",
    `astune.task_reader.dataset_file.validation.file_path: expected a JSONL file, got a folder: ${folder}/models`,
  ]);
});

test("a data set's name on the hub is not looked up; a folder that is missing is one line", async () => {
  expect(await problems(dataset("openai/gsm8k"))).toEqual([]);
  expect(await problems(dataset("./gsm8k"))).toEqual([
    "astune.task_reader.huggingface_dat_repo.dataset_path: expected a folder with a data set, or its name on the hub, got no such folder: /nowhere/gsm8k (astune download --target=openai/gsm8k --path=DIR gets one)",
  ]);
});

test("with the loaded configuration's own places, the line names file and line", async () => {
  const path = write("conf.yaml", SMALLEST.replace("models/tiny", "gone"));
  const loaded = await loadConfig(path, { workingFolder: "/nowhere" });
  expect(() => checkInputs(loaded.config, loaded.where)).toThrow(
    `${path}:3: astune.model.path: expected a model folder, got no such folder`,
  );
});
