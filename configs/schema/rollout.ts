/** `astune.rollout`: how episodes are made. Upstream's keys without effect are in rollout-upstream.ts. */

import { z } from "zod";
import { count, expectsProtocol, key, protocolName, section } from "./key.ts";
import { madnessKeys, oldRolloutKeys } from "./rollout-upstream.ts";

const samplingAtValidation = section(
  {
    temperature: key(z.number().min(0).default(0), "Sampling temperature; 0 takes the likeliest token."),
    top_k: key(
      z.union([z.literal(-1), count]).default(-1),
      "Sample among this many likeliest tokens; -1 means among all.",
    ),
    top_p: key(
      z.number().gt(0).max(1).default(1),
      "Sample among the likeliest tokens that hold this share of probability.",
    ),
    do_sample: key(z.boolean().default(false), "Whether validation samples.", {
      noEffect: "`temperature` alone decides: 0 is greedy",
      quietAt: [false, true],
    }),
    num_repeat: key(count.default(1), "Episodes per task.", {
      noEffect: "`trainer_common.val_pass_n` says how often a task is tried",
      quietAt: [1],
    }),
  },
  "Sampling of validation episodes.",
);

const multiTurn = section(
  {
    enable: key(z.boolean().default(true), "Whether an episode may have several model calls.", {
      noEffect: "the workflow decides how often it asks the model",
      quietAt: [true],
    }),
    max_sample_per_task: key(count.default(30), "Training sequences that one episode may give.", {
      noEffect: "timelines are merged, and every merged sequence is trained",
    }),
    max_steps: key(
      count.default(30),
      "Model calls that one episode may make. A call beyond it is refused, and the episode ends.",
      { unit: "calls" },
    ),
    expected_steps: key(z.number().positive().default(1), "Training sequences expected of one episode.", {
      noEffect: "a step takes whole episodes, however many sequences they give",
      quietAt: [1],
    }),
  },
  "Episodes of several model calls.",
);

const sandbox = section(
  {
    timeout_seconds: key(z.number().positive().default(20), "Wall-clock time of one run of code.", { unit: "s" }),
    memory_mb: key(z.int().min(16).default(512), "Memory of one run of code.", { unit: "MiB" }),
    max_processes: key(count.default(32), "Processes and threads that one run of code may have at once."),
    max_output_bytes: key(
      z.int().min(256).default(65_536),
      "Output kept of one run of code; the rest is dropped, and the text says so.",
      { unit: "bytes" },
    ),
  },
  "Limits of `execute_python_code`. The code never has a network or the user's files.",
);

export const rolloutSection = section(
  {
    use_agentscope_protocol: key(z.boolean().default(true), "Whether the workflow is named by a protocol.", {
      noEffect: "a workflow is always the class named by `agentscope_learn_protocol`",
      quietAt: [true],
    }),
    agentscope_learn_protocol: key(
      protocolName,
      "The workflow: a class with `execute(task, tuner)`. Dots are folders, looked up from the YAML's folder, then the working folder, then the package. `user_workflow` is the same key.",
      { expects: `a workflow, ${expectsProtocol}` },
    ),
    num_repeat: key(count.default(4), "Episodes of one task in one step: the group that advantages are taken in.", {
      unit: "episodes",
    }),
    temperature: key(z.number().positive().default(0.9), "Sampling temperature of training episodes."),
    top_p: key(z.number().gt(0).max(1).default(1), "Nucleus of training episodes.", {
      noEffect:
        "training episodes are always sampled from the whole distribution, else log-probabilities would not match",
      quietAt: [1],
    }),
    val_kwargs: samplingAtValidation,
    max_model_len: key(
      z.int().min(2).default(18_000),
      "Tokens of prompt and response together. An episode that would pass it ends with `context_overflow`.",
      { unit: "tokens" },
    ),
    max_response_length_in_one_turn: key(count.nullable().default(null), "Tokens that one model call may generate.", {
      unit: "tokens",
      defaultNote: "4096, or half of `max_model_len` where that is less",
    }),
    multi_turn: multiTurn,
    max_env_worker: key(count.default(128), "Episodes that run at once on the trinity backbone.", {
      unit: "episodes",
      onlyOn: "trinity",
    }),
    name: key(z.enum(["vllm", "sglang"]).default("vllm"), "The inference engine.", {
      noEffect: "`inference.engine` picks the engine",
      quietAt: ["vllm"],
    }),
    n_vllm_engine: key(
      count.default(1),
      "Servers of vLLM on the debug backbone; requests go to them by prefix and load.",
      {
        unit: "servers",
        onlyOn: "debug",
      },
    ),
    tensor_model_parallel_size: key(count.default(1), "GPUs of one vLLM server.", { unit: "GPUs" }),
    max_num_seqs: key(count.default(10), "Requests that one vLLM server works on at once.", { unit: "requests" }),
    episode_timeout_seconds: key(
      z.number().positive().default(600),
      "Time of one episode. A workflow that has not returned by then is given up: the episode fails, and is counted.",
      { unit: "s" },
    ),
    max_episode_retries: key(
      z.int().min(0).default(2),
      "How often a failed episode is tried again before its task goes on without it.",
    ),
    sandbox,
    force_disable_toolcalls: key(z.boolean().default(false), "Takes the tools out of every request.", {
      noEffect: "the workflow decides which tools it offers",
      quietAt: [false],
    }),
    ...oldRolloutKeys,
    ...madnessKeys,
  },
  "How episodes are made.",
);
