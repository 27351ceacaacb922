/** Finds the folder of an experiment: a new one, or the newest that a configuration has made. */

import { readdir } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { type LoadedConfig, UserError } from "../configs/index.ts";

const parentOf = (loaded: LoadedConfig): string =>
  resolve(loaded.config.experiment_dir === "auto" ? "saved_experiments" : loaded.config.experiment_dir);

/** The folder of a new run. */
export const experimentFolder = (loaded: LoadedConfig): string => join(parentOf(loaded), loaded.experimentName);

/** The folder to resume: the named experiment's, or the newest one that was named after this YAML. */
export async function newestExperiment(loaded: LoadedConfig): Promise<string> {
  const parent = parentOf(loaded);
  const names = await readdir(parent).catch(() => []);
  const byTime = loaded.config.experiment_name === "read_yaml_name";
  const stem = basename(loaded.path, extname(loaded.path));
  const fits = (name: string): boolean =>
    byTime
      ? name.startsWith(`${stem}_`) && /^\d{8}_\d{4}$/.test(name.slice(stem.length + 1))
      : name === loaded.experimentName;
  const newest = names.filter(fits).sort().at(-1);
  if (newest !== undefined) return join(parent, newest);
  throw new UserError({
    where: "--resume",
    expected: byTime ? `an experiment ${join(parent, `${stem}_…`)}` : `the experiment ${experimentFolder(loaded)}`,
    found: "none",
    fix: "leave --resume out to start one",
  });
}
