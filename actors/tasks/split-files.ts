/** Which files of a data set hold a split, by the names that the hub's data sets are laid out with. Pure. */

import { posix } from "node:path";

/** What a data set's file names say: its configurations, and the splits of each with their files. */
export type DatasetLayout = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

const aliases: Readonly<Record<string, readonly string[]>> = {
  train: ["train", "training"],
  validation: ["validation", "valid", "val", "dev"],
  test: ["test", "testing", "eval", "evaluation"],
};

/**
 * Sorts data files (`.parquet`, `.jsonl`, `.ndjson`) by configuration and split: `main/train-00000-of-00001.parquet` is the
 * split `train` of `main`; `train.jsonl`, `data/train.jsonl` and `train/part0.jsonl` are of the configuration `default`.
 * Files without a split in their path are `train`, as on the hub. Where a split has several formats, parquet goes first.
 */
export function datasetLayout(paths: readonly string[]): DatasetLayout {
  const layout = new Map<string, Map<string, string[]>>();
  for (const path of paths.filter((each) => /\.(parquet|jsonl|ndjson)$/i.test(each)).sort()) {
    const folders = posix.dirname(path) === "." ? [] : posix.dirname(path).split("/");
    const name = posix.basename(path).replace(/\.[^.]*$/, "");
    const split = splitIn(name) ?? folders.map(splitIn).findLast((each) => each !== undefined) ?? "train";
    const config = folders.find((folder) => folder !== "data" && !isSplitFolder(folder)) ?? "default";
    const splits = layout.get(config) ?? new Map<string, string[]>();
    layout.set(config, splits);
    splits.set(split, [...(splits.get(split) ?? []), path]);
  }
  for (const splits of layout.values()) {
    for (const [split, files] of splits) {
      const parquet = files.filter((file) => /\.parquet$/i.test(file));
      if (parquet.length > 0) splits.set(split, parquet);
    }
  }
  return layout;
}

/** The name under which a layout files a split: `val` and `dev` are `validation`. */
export function splitNamed(split: string): string {
  return splitIn(split) ?? split;
}

/** The configuration to take when none is named: `main`, `default` or the only one. */
export function chooseConfig(layout: DatasetLayout, named: string | undefined): string | undefined {
  if (named !== undefined) return layout.has(named) ? named : undefined;
  return (
    ["main", "default"].find((each) => layout.has(each)) ?? (layout.size === 1 ? [...layout.keys()][0] : undefined)
  );
}

function splitIn(text: string): string | undefined {
  const words = text.toLowerCase().split(/[^a-z]+/);
  return Object.keys(aliases).find((split) => words.some((word) => aliases[split]?.includes(word)));
}

function isSplitFolder(folder: string): boolean {
  return Object.values(aliases).flat().includes(folder.toLowerCase());
}
