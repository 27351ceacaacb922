/** Tasks from a data set of the Hugging Face hub, or from a folder laid out like one. */

import { readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { extname, join, relative, resolve, sep } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { UserError } from "../../configs/index.ts";
import type { Task } from "../task.ts";
import { readJsonLines } from "./dataset-file.ts";
import { downloadDataset } from "./download.ts";
import { chooseConfig, type DatasetLayout, datasetLayout, splitNamed } from "./split-files.ts";
import { type TaskSet, taskOfRow, taskSetOf } from "./task-set.ts";

/** What the reader needs; the words are those of `task_reader.huggingface_dat_repo`. */
export interface HubReader {
  /** A folder, a file, or a name on the hub. */
  readonly dataset_path: string;
  readonly dataset_name?: string | null;
}

/**
 * The tasks of a split. A path that exists is read where it is; any other name is downloaded into the cache
 * (`$XDG_CACHE_HOME/astune/datasets`, or `~/.cache/astune/datasets`), only the files of the split. Without a network what
 * is in the cache is used. Throws a `UserError` for a data set, configuration or split that is not there.
 */
export async function openHubDataset(reader: HubReader, split: string): Promise<TaskSet> {
  const files = await filesOf(reader, split);
  const tasks: Task[] = [];
  for (const file of files) {
    for await (const { row, where } of readRows(file)) {
      tasks.push(taskOfRow(row, { where, defaultId: String(tasks.length) }));
    }
  }
  if (tasks.length === 0) {
    throw new UserError({
      where: `${reader.dataset_path} (${split})`,
      expected: "at least one task",
      found: "no rows",
    });
  }
  return taskSetOf(tasks);
}

async function filesOf(reader: HubReader, split: string): Promise<string[]> {
  const { dataset_path: path } = reader;
  const local = await stat(path).catch(() => undefined);
  if (local?.isFile()) return [path];
  if (local?.isDirectory()) return inFolder(path, reader, split);
  if (!/^\w[\w.-]*(\/\w[\w.-]*)?$/.test(path)) {
    throw new UserError({
      where: path,
      expected: "a folder, or the name of a data set on the hub",
      found: "no such folder",
    });
  }
  const folder = join(cacheFolder(), ...path.split("/"));
  try {
    const choose = (paths: readonly string[]): readonly string[] => splitFiles(datasetLayout(paths), reader, split);
    const paths = await downloadDataset({ name: path, folder, choose });
    return paths.map((each) => join(folder, each));
  } catch (error) {
    const cached = await inFolder(folder, reader, split).catch(() => undefined);
    if (cached) return cached;
    throw error;
  }
}

async function inFolder(folder: string, reader: HubReader, split: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const paths = files.map((file) => relative(folder, file).split(sep).join("/"));
  const visible = paths.filter((path) => !path.split("/").some((part) => part.startsWith(".")));
  return splitFiles(datasetLayout(visible), reader, split).map((path) => resolve(folder, path));
}

function splitFiles(layout: DatasetLayout, reader: HubReader, split: string): readonly string[] {
  const where = `${reader.dataset_path} (${split})`;
  if (layout.size === 0) throw new UserError({ where, expected: "parquet or JSONL files", found: "none" });
  const config = chooseConfig(layout, reader.dataset_name ?? undefined);
  const configs = [...layout.keys()].join(", ");
  if (config === undefined) {
    const expected = reader.dataset_name
      ? `the configuration ${reader.dataset_name}`
      : "dataset_name, to choose a configuration";
    throw new UserError({ where, expected, found: `the configurations ${configs}` });
  }
  const splits = layout.get(config) ?? new Map<string, readonly string[]>();
  const files = splits.get(splitNamed(split));
  if (files) return files;
  const found = `only ${[...splits.keys()].join(", ")}`;
  throw new UserError({ where, expected: `a split ${split}`, found, fix: "set training_split or validation_split" });
}

async function* readRows(file: string): AsyncGenerator<{ readonly row: unknown; readonly where: string }> {
  if (extname(file).toLowerCase() !== ".parquet") {
    for await (const { row, line } of readJsonLines(file)) yield { row, where: `${file}:${line}` };
    return;
  }
  let rows: Record<string, unknown>[];
  try {
    rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors });
  } catch (error) {
    throw new UserError({ where: file, expected: "a parquet file", found: (error as Error).message }, { cause: error });
  }
  for (const [index, row] of rows.entries()) yield { row: plain(row), where: `${file} row ${index}` };
}

/** Parquet's 64-bit integers and dates as JSON knows them. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "astune", "datasets");
}
