/** From what the schema read to the complete configuration: defaults that depend on other keys, paths, the name. */

import { basename } from "node:path";
import type { z } from "zod";
import type { Folders } from "./paths.ts";
import { resolveDataset, resolvePath } from "./paths.ts";
import type { astuneSection } from "./schema/index.ts";

type Read = z.output<typeof astuneSection>;
type Filled<T, K extends keyof T> = Omit<T, K> & { [P in K]: NonNullable<T[P]> };

/** The complete configuration, in the YAML's own words. Paths are absolute, and nothing is left to a default. */
export type AstuneConfig = Omit<Read, "rollout"> & {
  rollout: Filled<Read["rollout"], "max_response_length_in_one_turn">;
};

/** What completing needs to know beside the file. */
export interface Surroundings {
  /** The YAML file. */
  readonly path: string;
  readonly folders: Folders;
  readonly now: Date;
}

/** Fills in what the schema alone could not. */
export function complete(read: Read, around: Surroundings): AstuneConfig {
  const half = Math.max(1, Math.floor(read.rollout.max_model_len / 2));
  const { dataset_file: files, huggingface_dat_repo: repo } = read.task_reader;
  const atPath = (path: string) => resolvePath(path, around.folders);
  const file = (given: { file_path: string | null }) => ({
    file_path: given.file_path === null ? null : atPath(given.file_path),
  });
  const engine = read.deterministic && read.inference.engine === "auto" ? "embedded" : read.inference.engine;
  return {
    ...read,
    experiment_name: experimentName(read.experiment_name, around),
    experiment_dir: atPath(read.experiment_dir === "auto" ? "saved_experiments" : read.experiment_dir),
    model: { ...read.model, path: atPath(read.model.path) },
    task_reader: {
      ...read.task_reader,
      dataset_file: { training: file(files.training), validation: file(files.validation) },
      huggingface_dat_repo: { ...repo, dataset_path: resolveDataset(repo.dataset_path, around.folders) },
    },
    rollout: {
      ...read.rollout,
      max_response_length_in_one_turn: read.rollout.max_response_length_in_one_turn ?? Math.min(4096, half),
    },
    inference: { ...read.inference, engine },
  };
}

/** The experiment's name: as given, or the YAML's name and the time to the minute. `|` would not do in a folder's name. */
function experimentName(given: string, around: Pick<Surroundings, "path" | "now">): string {
  const name =
    given === "read_yaml_name" ? `${basename(around.path).replace(/\.ya?ml$/, "")}_${minute(around.now)}` : given;
  return name.replaceAll("|", "-");
}

function minute(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`;
  return `${day}_${two(time.getHours())}${two(time.getMinutes())}`;
}
