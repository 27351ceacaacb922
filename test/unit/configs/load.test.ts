/** What a configuration that is right loads to. */

import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "../../../configs/index.ts";
import { leaves, nodeAt, spell } from "../../../configs/key-tree.ts";
import { SMALLEST, yamlFolder } from "./yaml-folder.ts";

const { folder, write } = yamlFolder();
const now = new Date(2026, 0, 31, 18, 59);

/** The tutorial's YAML as upstream's page prints it. */
const TUTORIAL = `astune:
    task_reader:
        type: huggingface_dat_repo # \`env_service\` or \`dataset_file\` or \`huggingface_dat_repo\`
    rollout:
        use_agentscope_protocol: True
        agentscope_learn_protocol: tutorial.math_agent->ExampleMathLearn
    task_judge:
        judge_protocol: astune.task_judge.math_answer_as_judge->MathAnswerAndLlmAsJudge
    model:
        path: /models/Qwen2.5-14B-Instruct
`;

describe("defaults", () => {
  test("the smallest file gets upstream's defaults, and ours where a default would need what is not there", async () => {
    const { config, warnings } = await loadConfig(write("smallest.yaml", SMALLEST));
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      backbone: "debug",
      seed: 42,
      deterministic: false,
      model: { dtype: "auto" },
      data: { train_batch_size: 32, max_prompt_length: 3000, max_response_length: 15000 },
      task_reader: { type: "env_service", env_service: { env_url: "http://127.0.0.1:8080" } },
      rollout: {
        num_repeat: 4,
        temperature: 0.9,
        max_env_worker: 128,
        max_model_len: 18000,
        max_response_length_in_one_turn: 4096,
        val_kwargs: { temperature: 0, top_k: -1, top_p: 1 },
      },
      task_judge: { judge_protocol: "astune.task_judge.env_service_as_judge->EnvServiceJudge" },
      trainer_common: {
        val_pass_n: 4,
        save_freq: 20,
        test_freq: 20,
        total_epochs: 50,
        n_gpus_per_node: "auto",
        logger: ["console", "tensorboard"],
        trinity_only__n_vllm_engine: 2,
        kl_loss_coef: 0.002,
        kl_loss_type: "k3",
        optim: { lr: 1e-6, betas: [0.9, 0.999] },
        algorithm: { name: "grpo", clip_ratio_low: 0.2, clip_ratio_high: 0.2, loss_aggregation: "token-mean" },
      },
      debug: { debug_max_parallel: 16 },
    });
  });

  test("clipping and aggregation follow the algorithm unless they are given", async () => {
    const path = write("algorithm.yaml", SMALLEST);
    const algorithm = async (...set: string[]) =>
      (await loadConfig(path, { set: set.map((item) => `trainer_common.algorithm.${item}`) })).config.trainer_common
        .algorithm;
    expect(await algorithm("name=gspo")).toMatchObject({ clip_ratio_low: 3e-4, clip_ratio_high: 4e-4 });
    expect(await algorithm("name=dr_grpo")).toMatchObject({ loss_aggregation: "seq-mean-token-sum-norm" });
    expect(await algorithm("name=gspo", "clip_ratio_low=0.1")).toMatchObject({ clip_ratio_low: 0.1 });
    expect(await algorithm("clip_ratio_low=0")).toMatchObject({ clip_ratio_low: 0 });
  });

  test("a short context shortens the longest reply", async () => {
    const loaded = await loadConfig(write("short.yaml", SMALLEST), { set: ["rollout.max_model_len=512"] });
    expect(loaded.config.rollout.max_response_length_in_one_turn).toBe(256);
  });

  test("deterministic picks the embedded engine", async () => {
    const loaded = await loadConfig(write("same.yaml", SMALLEST), { set: ["deterministic=true"] });
    expect(loaded.config.inference.engine).toBe("embedded");
  });

  test("a section whose keys are all commented out is an empty section", async () => {
    const { config } = await loadConfig(write("empty-section.yaml", `${SMALLEST}  data:\n    # train_batch_size: 8\n`));
    expect(config.data.train_batch_size).toBe(32);
  });
});

describe("upstream's files", () => {
  test("the tutorial's YAML loads without a warning", async () => {
    const { config, warnings } = await loadConfig(write("tutorial.yaml", TUTORIAL));
    expect(warnings).toEqual([]);
    expect(config.task_reader.type).toBe("huggingface_dat_repo");
    expect(config.rollout.agentscope_learn_protocol).toBe("tutorial.math_agent->ExampleMathLearn");
    expect(config.model.path).toBe("/models/Qwen2.5-14B-Instruct");
  });

  test("later versions' names of keys and values mean the same", async () => {
    const path = write(
      "later.yaml",
      `astune:
  model: { path: m }
  rollout: { user_workflow: a.b->C }
  task_reader:
    type: jsonl_dataset_file
    jsonl_dataset_file: { training: { file_path: a.jsonl } }
  task_judge: { judge_type: customized_protocal }
  trainer_common:
    kl_loss_type: low_var_kl
    algorithm: { adv_estimator: rloo }
    lora: { lora_rank: 8 }
trinity:
  max_staleness: 3
`,
    );
    const { config, warnings } = await loadConfig(path, { workingFolder: "/work-folder" });
    expect(warnings).toEqual([]);
    expect(config.rollout.agentscope_learn_protocol).toBe("a.b->C");
    expect(config.task_reader.type).toBe("dataset_file");
    expect(config.task_reader.dataset_file.training.file_path).toBe("/work-folder/a.jsonl");
    expect(config.task_judge.judge_type).toBe("customized_protocol");
    expect(config.trainer_common).toMatchObject({ kl_loss_type: "k3", algorithm: { name: "rloo" }, lora: { rank: 8 } });
    expect(config.trinity.max_staleness).toBe(3);
  });

  test("anchors and merge keys of YAML work", async () => {
    const text = `astune:
  model: { path: m }
  rollout: &rollout
    agentscope_learn_protocol: a->B
    val_kwargs: &sampling { temperature: 0.5 }
  debug: &parallel { debug_max_parallel: 3 }
`;
    const path = write("anchors.yaml", text.replace("rollout: &rollout", "rollout:"));
    expect((await loadConfig(path)).config.debug.debug_max_parallel).toBe(3);
    const merged = text.replace("&sampling { temperature: 0.5 }", "{ <<: { top_p: 0.5 }, temperature: 0.5 }");
    const { config } = await loadConfig(write("merge.yaml", merged));
    expect(config.rollout.val_kwargs).toMatchObject({ temperature: 0.5, top_p: 0.5 });
  });
});

describe("the command line", () => {
  test("--set changes a key, with or without the leading astune, and the last one wins", async () => {
    const path = write("set.yaml", SMALLEST);
    const set = [
      "rollout.num_repeat=8",
      "astune.rollout.num_repeat=6",
      "trainer_common.logger=[console]",
      "model.dtype=float32",
    ];
    const { config } = await loadConfig(path, { set });
    expect(config.rollout.num_repeat).toBe(6);
    expect(config.trainer_common.logger).toEqual(["console"]);
    expect(config.model.dtype).toBe("float32");
  });

  test("--set by another spelling wins over the file", async () => {
    const { config } = await loadConfig(write("spelling.yaml", SMALLEST), { set: ["rollout.user_workflow=x->Y"] });
    expect(config.rollout.agentscope_learn_protocol).toBe("x->Y");
  });

  test("a value may hold an equals sign", async () => {
    const set = ['inference.vllm_args=["--a=b"]'];
    expect((await loadConfig(write("equals.yaml", SMALLEST), { set })).config.inference.vllm_args).toEqual(["--a=b"]);
  });

  test("--backbone wins over the file", async () => {
    const { config } = await loadConfig(write("backbone.yaml", SMALLEST), { backbone: "trinity" });
    expect(config.backbone).toBe("trinity");
  });
});

describe("names and paths", () => {
  test("the experiment is named after the YAML and the minute, and lies in saved_experiments of the working folder", async () => {
    const loaded = await loadConfig(write("math_agent.yaml", SMALLEST), { now, workingFolder: "/somewhere" });
    expect(loaded.experimentName).toBe("math_agent_20260131_1859");
    expect(loaded.experimentFolder).toBe("/somewhere/saved_experiments/math_agent_20260131_1859");
    expect(loaded.path).toBe(resolve(folder, "math_agent.yaml"));
    expect(loaded.folder).toBe(folder);
  });

  test("a bar in the experiment's name becomes a dash", async () => {
    const loaded = await loadConfig(write("bar.yaml", SMALLEST), { set: ["experiment_name=a|b"] });
    expect(loaded.experimentName).toBe("a-b");
  });

  test("a relative path leads to what is beside the YAML, else it counts from the working folder", async () => {
    write("models/tiny/config.json", "{}");
    write("data/train/rows.jsonl", "{}");
    const path = write("paths.yaml", SMALLEST);
    const set = ["task_reader.huggingface_dat_repo.dataset_path=data/train", "experiment_dir=runs"];
    const { config } = await loadConfig(path, { set, workingFolder: "/somewhere" });
    expect(config.model.path).toBe(join(folder, "models/tiny"));
    expect(config.task_reader.huggingface_dat_repo.dataset_path).toBe(join(folder, "data/train"));
    expect(config.experiment_dir).toBe("/somewhere/runs");
  });

  test("a data set's name on the hub stays a name, and a path that is not there stays a path", async () => {
    const datasetPath = async (name: string) => {
      const set = [`task_reader.huggingface_dat_repo.dataset_path=${name}`];
      const { config } = await loadConfig(write("hub.yaml", SMALLEST), { set, workingFolder: "/somewhere" });
      return config.task_reader.huggingface_dat_repo.dataset_path;
    };
    expect(await datasetPath("openai/gsm8k")).toBe("openai/gsm8k");
    expect(await datasetPath("gsm8k")).toBe("gsm8k");
    expect(await datasetPath("./gsm8k")).toBe("/somewhere/gsm8k");
    expect(await datasetPath("data/sets/gsm8k")).toBe("/somewhere/data/sets/gsm8k");
  });
});

describe("the expanded YAML", () => {
  test("loads to the same configuration, and names every key that has an effect", async () => {
    const set = ["rollout.num_repeat=7", "trainer_common.optim.lr=3e-7"];
    const first = await loadConfig(write("round.yaml", SMALLEST), { set, now });
    const second = await loadConfig(write("expanded.yaml", first.expandedYaml()));
    expect(second.config).toEqual(first.config);
    expect(second.experimentName).toBe("round_20260131_1859");
    expect(second.warnings).toEqual([]);
    const { astune } = parse(first.expandedYaml()) as { astune: unknown };
    for (const { path, node } of leaves(nodeAt(["astune"]), [])) {
      const within = path
        .slice(0, -1)
        .some((_, i) => nodeAt(["astune", ...path.slice(0, i + 1)])?.noEffect !== undefined);
      if (node.noEffect === undefined && !within) expect(astune, spell(path)).toHaveProperty([...path]);
    }
  });

  test("keeps a key without effect that the user gave, and so its warning", async () => {
    const first = await loadConfig(write("kept.yaml", SMALLEST), { set: ["rollout.gamma=0.5"] });
    const second = await loadConfig(write("kept-expanded.yaml", first.expandedYaml()));
    expect(second.config.rollout.gamma).toBe(0.5);
    expect(second.warnings).toHaveLength(1);
  });
});
