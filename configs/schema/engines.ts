/** `astune.inference`, `astune.trinity` and `astune.debug`: engines, and what single backbones need. */

import { z } from "zod";
import { count, key, section } from "./key.ts";

export const inferenceSection = section(
  {
    engine: key(
      z.enum(["auto", "vllm", "embedded"]).default("auto"),
      "What generates. `auto` is vLLM where it and a GPU are found, else the engine embedded in the training kernel. `deterministic: true` needs the embedded one.",
    ),
    gpu_memory_utilization: key(
      z.number().gt(0).max(1).default(0.5),
      "Share of a GPU's memory that vLLM may take. On the debug backbone the learner is on the same GPU.",
    ),
    enforce_eager: key(
      z.boolean().default(false),
      "Run vLLM without CUDA graphs: it starts sooner and generates slower.",
    ),
    weight_transfer: key(
      z.enum(["auto", "ipc", "broadcast", "folder"]).default("auto"),
      "How new weights reach vLLM. `ipc`: it maps the learner's memory, on the same GPU by CUDA IPC. `broadcast`: by NCCL to other GPUs, by Gloo between CPUs. `folder`: as safetensors files. `auto` is `ipc` on shared GPUs, `broadcast` on separate ones, and `folder` without GPUs.",
    ),
    max_batch: key(count.default(64), "Sequences that the embedded engine generates at once.", { unit: "sequences" }),
    vllm_args: key(z.array(z.string()).default([]), "Further arguments of `vllm serve`, one list item each."),
  },
  "The inference engine.",
);

export const trinitySection = section(
  {
    max_staleness: key(
      z.int().min(0).default(1),
      "Weight updates by which a sample may be older than the weights that are trained on it.",
      { unit: "updates", onlyOn: "trinity" },
    ),
    layout: key(
      z.enum(["colocated", "separate"]).default("separate"),
      "Whether learner and engines have GPUs of their own, or share them in turn: then rollouts wait for each update, as with `max_staleness: 0`.",
      { onlyOn: "trinity" },
    ),
    partial_rollout: key(
      z.boolean().default(true),
      "Change weights under running generations; each token remembers the weights that made it. With false an engine's episodes finish on the weights that they began with, before it gets new ones.",
      { onlyOn: "trinity" },
    ),
    runner_per_model: key(
      count.default(1),
      "Processes that run episodes, for each engine. Each runs many at once; more of them help where workflows themselves take time.",
      { unit: "processes", onlyOn: "trinity" },
    ),
  },
  "The trinity backbone: rollouts and training at their own pace.",
);

const wholeLoop =
  "the debug backbone runs the whole loop, training too; `trainer_common.total_training_steps` makes it short";

export const debugSection = section(
  {
    debug_max_parallel: key(count.default(16), "Episodes that run at once on the debug backbone.", {
      unit: "episodes",
      onlyOn: "debug",
    }),
    debug_first_n_tasks: key(count.default(2), "Tasks that are rolled out.", { noEffect: wholeLoop }),
    debug_vllm_port: key(z.int().min(1).max(65_535).default(18_000), "Port of vLLM.", {
      noEffect: "engines listen on a Unix socket in a private folder",
    }),
    debug_vllm_seed: key(z.int().default(12_345), "Seed of vLLM.", { noEffect: "`seed` is the only seed" }),
    debug_tensor_parallel_size: key(count.default(4), "GPUs of the server.", {
      noEffect: "`rollout.tensor_model_parallel_size` holds on every backbone",
    }),
  },
  "The debug backbone: everything in one process.",
);
