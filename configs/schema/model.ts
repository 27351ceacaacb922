/** `astune.model` and `astune.data`: what is tuned, and how much of it at a time. */

import { z } from "zod";
import { count, key, section } from "./key.ts";

export const modelSection = section(
  {
    path: key(
      z.string().min(1),
      "Folder of the model to tune, in Hugging Face layout (`config.json`, weights, tokenizer). A relative path is looked up from the YAML's folder, then from the working folder.",
      { expects: "the path of a model folder" },
    ),
    dtype: key(
      z.enum(["auto", "float32", "bfloat16"]).default("auto"),
      "Arithmetic of forward passes; the weights that the optimiser changes are always float32. `auto` is bfloat16 on a GPU and float32 on a CPU.",
    ),
  },
  "The model to tune.",
);

const oneBound = "`rollout.max_model_len` bounds prompt and response together, and nothing is ever cut";

export const dataSection = section(
  {
    max_prompt_length: key(count.default(3000), "Tokens that the first prompt of an episode may have.", {
      unit: "tokens",
      noEffect: oneBound,
    }),
    max_response_length: key(count.default(15_000), "Tokens after the first prompt.", {
      unit: "tokens",
      noEffect: oneBound,
    }),
    train_batch_size: key(
      count.default(32),
      "Tasks in one step. Each is rolled out `rollout.num_repeat` times, so a step trains on the product of both.",
      { unit: "tasks" },
    ),
  },
  "Sizes of prompts, responses and batches.",
);
