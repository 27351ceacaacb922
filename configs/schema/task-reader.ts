/** `astune.task_reader`: where tasks come from. */

import { z } from "zod";
import { count, expectsUrl, httpUrl, key, section } from "./key.ts";

const filePath = z.string().min(1).nullable().default(null);

const generation = "tasks are read, not generated; only the three readers of `task_reader.type` are here";

export const taskReaderSection = section(
  {
    type: key(
      z.enum(["env_service", "dataset_file", "huggingface_dat_repo"]).default("env_service"),
      "The reader. Each has its own section below.",
    ),
    dataset_file: section(
      {
        training: section(
          {
            file_path: key(
              filePath,
              "JSONL file of training tasks, one a line. A relative path is looked up from the YAML's folder, then from the working folder.",
              { expects: "the path of a JSONL file" },
            ),
          },
          "Training tasks.",
        ),
        validation: section(
          {
            file_path: key(filePath, "JSONL file of held-out tasks. Without one there is no validation.", {
              expects: "the path of a JSONL file",
            }),
          },
          "Held-out tasks.",
        ),
      },
      "Tasks from JSONL files. `jsonl_dataset_file` is the same key.",
    ),
    huggingface_dat_repo: section(
      {
        dataset_path: key(
          z.string().min(1).default("gsm8k"),
          "A data set's name on the hub (`openai/gsm8k`), or a folder with parquet or JSONL files. A path that exists, seen from the YAML's folder or the working folder, is a folder.",
        ),
        dataset_name: key(
          z.string().min(1).nullable().default(null),
          "Which of the data set's configurations, where it has several (`main`). null takes `main`, `default` or the only one.",
        ),
        training_split: key(z.string().min(1).default("train"), "Split of training tasks."),
        validation_split: key(z.string().min(1).default("validation"), "Split of held-out tasks."),
      },
      "Tasks from a data set of the Hugging Face hub.",
    ),
    env_service: section(
      {
        env_type: key(z.string().min(1).default("appworld"), "The environment's name at the service."),
        env_url: key(httpUrl.default("http://127.0.0.1:8080"), "The service's address.", { expects: expectsUrl }),
        env_action_preference: key(z.enum(["code", "text", "box"]).default("code"), "How actions are written.", {
          noEffect: "the workflow writes the action",
          quietAt: ["code"],
        }),
        training_split: key(z.string().min(1).default("train"), "Split of training tasks."),
        validation_split: key(z.string().min(1).default("dev"), "Split of held-out tasks."),
      },
      "Tasks from an environment service.",
    ),
    data_generation: section(
      {
        document_reader: key(z.looseObject({}).prefault({}), "The documents."),
        query_reader: key(z.looseObject({}).prefault({}), "The examples."),
        task_num: key(count.default(10), "Tasks to make."),
        llm_model: key(z.string().default("qwen-long"), "Model that writes them."),
        llm_response_length: key(count.default(8192), "Tokens of one answer.", { unit: "tokens" }),
        num_workers: key(count.default(32), "Requests at once."),
        sampling_params: key(z.looseObject({ temperature: z.number().default(0) }).prefault({}), "Sampling."),
        deduplication_filter: key(
          z.looseObject({ enabled: z.boolean().default(true) }).prefault({}),
          "Filter of doubles.",
        ),
      },
      "Tasks written by a model from documents.",
      { noEffect: generation },
    ),
  },
  "Where tasks come from.",
);
