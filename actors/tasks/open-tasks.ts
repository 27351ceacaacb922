/** Chooses the reader that the YAML names. */

import { UserError } from "../../configs/index.ts";
import { openDatasetFile } from "./dataset-file.ts";
import { type EnvServiceReader, openEnvService } from "./env-service.ts";
import { type HubReader, openHubDataset } from "./hub-dataset.ts";
import type { TaskSet } from "./task-set.ts";

/** Which tasks: those to learn from, or those held out. */
export type Split = "training" | "validation";

interface FilePath {
  readonly file_path?: string | null | undefined;
}

interface SplitNames {
  readonly training_split?: string;
  readonly validation_split?: string;
}

/** `astune.task_reader` of the YAML, in its words. Only the section that `type` names is read. */
export interface TaskReaderConfig {
  readonly type: string;
  readonly dataset_file?: { readonly training?: FilePath; readonly validation?: FilePath };
  readonly huggingface_dat_repo?: HubReader & SplitNames;
  readonly env_service?: EnvServiceReader & SplitNames;
}

/** Opens the tasks of one split. Throws a `UserError` where they are not there or do not read. */
export async function openTasks(reader: TaskReaderConfig, split: Split): Promise<TaskSet> {
  const { dataset_file, huggingface_dat_repo, env_service } = reader;
  switch (reader.type) {
    case "dataset_file":
    case "jsonl_dataset_file": {
      const path = dataset_file?.[split]?.file_path;
      return openDatasetFile(path ?? missing(`dataset_file.${split}.file_path`, "a JSONL file"));
    }
    case "huggingface_dat_repo": {
      const section = huggingface_dat_repo ?? missing("huggingface_dat_repo", "a section with dataset_path");
      return openHubDataset(section, splitName(section, split));
    }
    case "env_service": {
      const section = env_service ?? missing("env_service", "a section with env_type and env_url");
      return openEnvService(section, splitName(section, split));
    }
    default:
      throw new UserError({
        where: "task_reader.type",
        expected: "dataset_file, huggingface_dat_repo or env_service",
        found: JSON.stringify(reader.type),
      });
  }
}

function splitName(section: SplitNames, split: Split): string {
  return split === "training" ? (section.training_split ?? "train") : (section.validation_split ?? "validation");
}

function missing(key: string, expected: string): never {
  throw new UserError({ where: `task_reader.${key}`, expected, found: "nothing" });
}
