/** `astune.trainer_common`: training, validation, checkpoints. The algorithm has its own file. */

import { z } from "zod";
import { algorithmSection } from "./algorithm.ts";
import { count, key, section, share } from "./key.ts";

const LOGGERS = ["console", "tensorboard", "swanlab", "wandb", "mlflow"] as const;
const logger = z.enum(LOGGERS);

const optim = section(
  {
    lr: key(z.number().positive().default(1e-6), "Learning rate of AdamW."),
    weight_decay: key(z.number().min(0).default(0.01), "Weight decay of AdamW."),
    betas: key(z.tuple([share, share]).default([0.9, 0.999]), "Decay of AdamW's two running means.", {
      expects: "two numbers from 0 to 1, as [0.9, 0.999]",
    }),
    lr_warmup_steps: key(z.int().min(0).default(0), "Updates over which the rate rises from 0.", { unit: "updates" }),
    lr_scheduler_type: key(
      z.enum(["constant", "cosine"]).default("constant"),
      "The rate after warm-up: as it is, or falling along half a cosine over the run's remaining updates.",
    ),
    min_lr_ratio: key(share.default(0), "Where `cosine` ends, as a share of `lr`."),
    grad_clip: key(z.number().positive().default(1), "Norm that the gradient is cut to."),
  },
  "The optimiser.",
);

const lora = section(
  {
    rank: key(z.int().min(0).default(0), "Rank of the LoRA adapters; 0 tunes all weights."),
    alpha: key(z.number().positive().default(16), "Scale of the adapters: they count alpha / rank."),
    target_modules: key(
      z.union([z.literal("all-linear"), z.array(z.string().min(1)).min(1)]).default("all-linear"),
      "Names of the layers that get an adapter.",
    ),
  },
  "Low-rank adapters in place of full tuning.",
);

export const trainerCommonSection = section(
  {
    total_epochs: key(count.default(50), "Passes over the training tasks.", { unit: "epochs" }),
    total_training_steps: key(
      z.int().min(0).nullable().default(null),
      "Ends the run after this many steps, whatever `total_epochs` says; 0 only validates.",
      { unit: "steps", defaultNote: "as many as `total_epochs` gives" },
    ),
    val_before_train: key(z.boolean().default(false), "Validate before the first step."),
    val_pass_n: key(count.default(4), "Episodes of each held-out task: the n of pass@n.", { unit: "episodes" }),
    val_max_num_task_each_validation: key(count.nullable().default(null), "Held-out tasks in one validation.", {
      unit: "tasks",
      defaultNote: "all of them",
    }),
    test_freq: key(count.default(20), "Steps between two validations.", { unit: "steps" }),
    save_freq: key(count.default(20), "Steps between two checkpoints.", { unit: "steps" }),
    max_checkpoints_to_keep: key(count.nullable().default(3), "Checkpoints kept, the newest; null keeps all."),
    nnodes: key(count.default(1), "Machines.", { onlyOn: "trinity" }),
    n_gpus_per_node: key(
      z.union([z.literal("auto"), z.int().min(0)]).default("auto"),
      "GPUs of a machine that the run may use. `auto` is what is found; 0 keeps to the CPU.",
      { unit: "GPUs" },
    ),
    trinity_only__n_vllm_engine: key(
      count.default(2),
      "Inference engines on the trinity backbone; requests go to them by prefix and load.",
      {
        unit: "servers",
        onlyOn: "trinity",
      },
    ),
    logger: key(
      z
        .union([logger, z.array(logger)])
        .transform((value) => (Array.isArray(value) ? value : [value]))
        .prefault(["console", "tensorboard"]),
      "Where metrics go beside `metrics.jsonl`. `swanlab`, `wandb` and `mlflow` are accepted and do nothing here.",
      { expects: `one of ${LOGGERS.join(", ")}, or a list of them` },
    ),
    algorithm: algorithmSection,
    mini_batch_num: key(count.default(1), "Optimiser updates that the sequences of one step are split into.", {
      unit: "updates",
    }),
    max_tokens_per_micro_batch: key(
      count.default(16_384),
      "Tokens in one packed forward and backward pass. A sequence longer than this has a pass of its own.",
      { unit: "tokens" },
    ),
    head_kernel: key(
      z.enum(["plain", "fused"]).default("plain"),
      "What computes the output head with its loss: `plain` PyTorch, a chunk of logits at a time, or the `fused` CUDA kernel, which needs nvcc and is checked against float64 when it is loaded; where it cannot be used the log says why.",
    ),
    gradient_checkpointing: key(
      z.boolean().default(true),
      "Compute activations twice in order to keep fewer of them in memory.",
    ),
    optim,
    lora,
    use_kl_loss: key(z.boolean().default(true), "Keep the model near its start, by a KL term to its first weights."),
    kl_loss_coef: key(z.number().min(0).default(0.002), "Weight of the KL term."),
    kl_loss_type: key(z.enum(["k1", "k2", "k3"]).default("k3"), "Estimator of the KL term. `low_var_kl` is `k3`.", {
      expects: "one of k1, k2, k3, low_var_kl",
    }),
    fsdp_config: section(
      {
        param_offload: key(z.boolean().default(true), "Keep weights in main memory between passes."),
        optimizer_offload: key(z.boolean().default(true), "Keep the optimiser's state in main memory between passes."),
      },
      "Where sharded weights lie.",
      { noEffect: "the training kernel keeps weights and optimiser state on its device" },
    ),
    ulysses_sequence_parallel_size: key(count.default(1), "GPUs that share one sequence.", {
      noEffect: "a sequence stays on one GPU",
      quietAt: [1],
    }),
    ppo_epochs: key(count.default(1), "Passes over one step's sequences.", {
      noEffect: "each sequence is trained once; `mini_batch_num` splits them into updates",
      quietAt: [1],
    }),
    val_only: key(z.boolean().default(false), "Validate and end.", {
      noEffect: "`total_training_steps: 0` with `val_before_train: true` does it",
      quietAt: [false],
    }),
    checkpoint_base_dir: key(z.string().default("./saved_checkpoints"), "Folder of checkpoints.", {
      noEffect: "checkpoints lie in the experiment's own folder",
    }),
    save_trajectory_as_json_file: key(z.boolean().default(false), "Keep episodes as JSON.", {
      noEffect: "every episode is kept, in the experiment's `episodes/`",
      quietAt: [true],
    }),
  },
  "Training, validation and checkpoints.",
);
