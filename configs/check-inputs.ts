/** Whether what a configuration names is on this machine. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { AstuneConfig } from "./complete.ts";
import { ConfigError } from "./config-error.ts";
import { isHubName } from "./paths.ts";

/**
 * Throws a ConfigError with a line for each model or data set that is missing. A hub's name is not looked up here.
 * `where` is that of the loaded configuration; without it, messages name the key alone.
 */
export function checkInputs(config: AstuneConfig, where: (key: string) => string = (key) => `astune.${key}`): void {
  const missing = [missingModel(config.model.path), ...missingTasks(config)].filter((problem) => problem !== undefined);
  if (missing.length > 0) throw new ConfigError(missing.map(({ key, ...facts }) => ({ where: where(key), ...facts })));
}

interface Missing {
  readonly key: string;
  readonly expected: string;
  readonly found: string;
  readonly fix?: string;
}

function missingModel(path: string): Missing | undefined {
  const key = "model.path";
  if (!existsSync(path)) {
    return { key, expected: "a model folder", found: `no such folder: ${path}`, fix: "download the model there first" };
  }
  if (existsSync(join(path, "config.json"))) return undefined;
  const found = statSync(path).isDirectory() ? "a folder without one" : "a file";
  return { key, expected: "a model folder with a config.json", found: `${found}: ${path}` };
}

function missingTasks({ task_reader: reader }: AstuneConfig): (Missing | undefined)[] {
  if (reader.type === "huggingface_dat_repo") return [missingDataset(reader.huggingface_dat_repo.dataset_path)];
  if (reader.type !== "dataset_file") return [];
  return (["training", "validation"] as const).map((which) => {
    const path = reader.dataset_file[which].file_path;
    if (path === null || isFile(path)) return undefined;
    const found = existsSync(path) ? `a folder: ${path}` : `no such file: ${path}`;
    return { key: `task_reader.dataset_file.${which}.file_path`, expected: "a JSONL file", found };
  });
}

function missingDataset(path: string): Missing | undefined {
  if (existsSync(path) || isHubName(path)) return undefined;
  return {
    key: "task_reader.huggingface_dat_repo.dataset_path",
    expected: "a folder with a data set, or its name on the hub",
    found: `no such folder: ${path}`,
    fix: "astune download --target=openai/gsm8k --path=DIR gets one",
  };
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
