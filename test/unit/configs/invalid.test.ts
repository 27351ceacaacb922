/** Each mistake in a configuration is one line: where, what was expected, what was found, and what may have been meant. */

import { chmodSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConfigError, loadConfig, UserError } from "../../../configs/index.ts";
import { linesOf, SMALLEST, yamlFolder } from "./yaml-folder.ts";

const { folder, write } = yamlFolder();

/** A file of SMALLEST and `rest`, whose first line is line 6; and the line that it must give, after `FILE`. */
const FILES: readonly [name: string, rest: string, line: string][] = [
  ["an unknown key", "  rolout: {}", ':6: astune.rolout: expected a known key, got "rolout" (did you mean "rollout"?)'],
  [
    "an unknown key two levels down",
    "  trainer_common:\n    lora:\n      layers: 1",
    ':8: astune.trainer_common.lora.layers: expected a known key, got "layers" (known keys: rank, alpha, target_modules)',
  ],
  [
    "a key of another section",
    "  data:\n    num_repeat: 4",
    ':7: astune.data.num_repeat: expected a known key, got "num_repeat" (did you mean "astune.rollout.num_repeat"?)',
  ],
  [
    "a key of another top level",
    "trinty:\n  mode: both",
    ':6: trinty: expected a known key, got "trinty" (did you mean "trinity"?)',
  ],
  ["a text for a number", "  seed: four", ':6: astune.seed: expected a whole number from 0 to 2147483647, got "four"'],
  [
    "a fraction for a whole number",
    "  data:\n    train_batch_size: 1.5",
    ":7: astune.data.train_batch_size: expected a whole number ≥ 1, got 1.5",
  ],
  [
    "a number below its range",
    "  data:\n    train_batch_size: 0",
    ":7: astune.data.train_batch_size: expected a whole number ≥ 1, got 0",
  ],
  [
    "a number above its range",
    "  inference: { gpu_memory_utilization: 1.5 }",
    ":6: astune.inference.gpu_memory_utilization: expected a number > 0 and ≤ 1, got 1.5",
  ],
  [
    "not a number",
    "  trainer_common: { optim: { lr: .nan } }",
    ":6: astune.trainer_common.optim.lr: expected a number > 0, got NaN",
  ],
  [
    "an infinite number",
    "  trainer_common: { kl_loss_coef: .inf }",
    ":6: astune.trainer_common.kl_loss_coef: expected a number ≥ 0, got Infinity",
  ],
  ["a word for a switch", "  deterministic: yes", ':6: astune.deterministic: expected true or false, got "yes"'],
  [
    "null where a value is needed",
    "  seed: null",
    ":6: astune.seed: expected a whole number from 0 to 2147483647, got null",
  ],
  [
    "a mapping for a value",
    "  seed: { a: 1 }",
    ":6: astune.seed: expected a whole number from 0 to 2147483647, got a mapping",
  ],
  [
    "a list for a section",
    "  data: [1]",
    ":6: astune.data: expected a mapping, got [1] (its keys start with astune.data.max_prompt_length)",
  ],
  ["an unknown backbone", "  backbone: verl", ':6: astune.backbone: expected one of debug, trinity, got "verl"'],
  [
    "a mistyped choice",
    "  backbone: trintiy",
    ':6: astune.backbone: expected one of debug, trinity, got "trintiy" (did you mean "trinity"?)',
  ],
  [
    "an unknown task reader",
    "  task_reader:\n    type: tracing",
    ':7: astune.task_reader.type: expected one of env_service, dataset_file, huggingface_dat_repo, got "tracing"',
  ],
  [
    "an unknown logger in a list",
    "  trainer_common:\n    logger: [console, stars]",
    ':7: astune.trainer_common.logger: expected one of console, tensorboard, swanlab, wandb, mlflow, or a list of them, got ["console","stars"]',
  ],
  [
    "one number where two belong",
    "  trainer_common: { optim: { betas: [0.9] } }",
    ":6: astune.trainer_common.optim.betas: expected two numbers from 0 to 1, as [0.9, 0.999], got [0.9]",
  ],
  [
    "an unknown estimator",
    "  trainer_common: { kl_loss_type: k4 }",
    ':6: astune.trainer_common.kl_loss_type: expected one of k1, k2, k3, low_var_kl, got "k4" (did you mean "k1"?)',
  ],
  [
    "a judge without an arrow",
    "  task_judge:\n    judge_protocol: MathAnswerAsJudge",
    ':7: astune.task_judge.judge_protocol: expected a judge, module->Class, as in astune.task_judge.math_answer_as_judge->MathAnswerAsJudge, got "MathAnswerAsJudge"',
  ],
  [
    "an address without http",
    "  task_reader: { env_service: { env_url: localhost } }",
    ':6: astune.task_reader.env_service.env_url: expected an address that starts with http:// or https://, got "localhost"',
  ],
  [
    "a list of numbers for arguments",
    "  inference: { vllm_args: [--seed, 3] }",
    ":6: astune.inference.vllm_args[1]: expected text, got 3",
  ],
  [
    "a key twice",
    "  data:\n    train_batch_size: 1\n    train_batch_size: 2",
    ":8: astune.data.train_batch_size: expected each key once, got it again (first on line 7)",
  ],
  [
    "a task file that is not named",
    "  task_reader: { type: dataset_file }",
    ":6: astune.task_reader.dataset_file.training.file_path: expected the path of a JSONL file, as task_reader.type is dataset_file, got nothing",
  ],
  [
    "a validation that has no tasks",
    "  task_reader: { type: dataset_file, dataset_file: { training: { file_path: a } } }\n  trainer_common: { val_before_train: true }",
    ":6: astune.task_reader.dataset_file.validation.file_path: expected the path of a JSONL file, as trainer_common.val_before_train is true, got nothing",
  ],
  [
    "held-out tasks that are the training tasks",
    "  task_reader:\n    type: huggingface_dat_repo\n    huggingface_dat_repo: { validation_split: train }",
    ':8: astune.task_reader.huggingface_dat_repo.validation_split: expected another split than training_split, got "train"',
  ],
  [
    "a group of one without a baseline",
    "  trainer_common: { algorithm: { name: rloo } }\n  rollout:",
    ":7: astune.rollout: expected each key once, got it again (first on line 4)",
  ],
  [
    "more updates than sequences",
    "  trainer_common: { mini_batch_num: 500 }",
    ":6: astune.trainer_common.mini_batch_num: expected at most data.train_batch_size × rollout.num_repeat = 128, got 500",
  ],
  [
    "an engine that cannot be deterministic",
    "  deterministic: true\n  inference: { engine: vllm }",
    ':7: astune.inference.engine: expected embedded, as deterministic is true, got "vllm"',
  ],
  [
    "rollouts that run ahead and are to be deterministic",
    "  backbone: trinity\n  deterministic: true\n  trinity: { max_staleness: 2 }",
    ":8: astune.trinity.max_staleness: expected 0, as deterministic is true and rollouts that run ahead depend on timing, got 2",
  ],
  [
    "a wrong value in a section without effect",
    "  task_runner: { wrapper_type: threads }",
    ':6: astune.task_runner.wrapper_type: expected one of asyncio-with-gc, asyncio, multi-processing, got "threads"',
  ],
  [
    "a wrong value in upstream's trinity section",
    "trinity:\n  synchronizer:\n    sync_interval: often",
    ':8: trinity.synchronizer.sync_interval: expected a whole number ≥ 1, got "often"',
  ],
  [
    "an unclosed list",
    "  inference: { vllm_args: [a",
    ":7: expected valid YAML, got an error: Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
];

describe("a file with", () => {
  test.each(FILES)("%s", async (_name, rest, line) => {
    const path = write("conf.yaml", `${SMALLEST}${rest}\n`);
    const lines = await linesOf(loadConfig(path));
    expect(lines[0]).toBe(path + line);
  });
});

/** Whole files. */
const WHOLE: readonly [name: string, text: string, lines: string[]][] = [
  ["nothing", "", [":1: expected settings under astune:, got an empty file"]],
  ["comments alone", "# nothing\n", [":1: expected settings under astune:, got an empty file"]],
  ["a list", "- astune\n", [":1: expected settings under astune:, got a list"]],
  ["plain text", "astune\n", [":1: expected settings under astune:, got plain text"]],
  ["no astune section", "ajet:\n  seed: 1\n", [":1: expected settings under astune:, got only ajet"]],
  [
    "an empty astune section",
    "# first\nastune:\n",
    [
      ":2: astune.model.path: expected the path of a model folder, got nothing",
      ":2: astune.rollout.agentscope_learn_protocol: expected a workflow, module->Class, as in tutorial.example_math_agent.math_agent->ExampleMathLearn, got nothing",
    ],
  ],
  ["a tab", "astune:\n\tseed: 1\n", [":2: expected valid YAML, got an error: Tabs are not allowed as indentation"]],
  [
    "two documents",
    "astune: {}\n---\nastune: {}\n",
    [":2: expected valid YAML, got an error: Source contains multiple documents; please use YAML.parseAllDocuments()"],
  ],
  [
    "an alias of nothing",
    "astune: *base\n",
    [":1: expected valid YAML, got an error: Unresolved alias (the anchor must be set before the alias): base"],
  ],
  [
    "several mistakes, told in the file's order",
    "astune:\n  backbone: x\n  model: { pth: 1, path: m }\n  rollout: { agentscope_learn_protocol: a }\n  seed: -1\n",
    [
      ':2: astune.backbone: expected one of debug, trinity, got "x"',
      ':3: astune.model.pth: expected a known key, got "pth" (did you mean "path"?)',
      ':4: astune.rollout.agentscope_learn_protocol: expected a workflow, module->Class, as in tutorial.example_math_agent.math_agent->ExampleMathLearn, got "a"',
      ":5: astune.seed: expected a whole number from 0 to 2147483647, got -1",
    ],
  ],
  [
    "a key in two spellings with two values",
    "astune:\n  model: { path: m }\n  rollout:\n    agentscope_learn_protocol: a->B\n    user_workflow: c->D\n",
    [
      ':5: astune.rollout.user_workflow: expected one value, got "c->D" beside "a->B" in astune.rollout.agentscope_learn_protocol, which is the same key',
    ],
  ],
  [
    "a wrong value in another spelling",
    "astune:\n  model: { path: m }\n  rollout:\n    user_workflow: D\n",
    [
      ':4: astune.rollout.user_workflow: expected a workflow, module->Class, as in tutorial.example_math_agent.math_agent->ExampleMathLearn, got "D"',
    ],
  ],
  [
    "a group of one without a baseline",
    "astune:\n  model: { path: m }\n  rollout: { agentscope_learn_protocol: a->B, num_repeat: 1 }\n  trainer_common: { algorithm: { name: rloo } }\n",
    [":3: astune.rollout.num_repeat: expected at least 2 with trainer_common.algorithm.name rloo, got 1"],
  ],
  [
    "sampling without a temperature",
    "astune:\n  model: { path: m }\n  rollout: { agentscope_learn_protocol: a->B, val_kwargs: { do_sample: true } }\n",
    [":3: astune.rollout.val_kwargs.temperature: expected more than 0, as do_sample is true, got 0"],
  ],
  [
    "a reply as long as the context",
    "astune:\n  model: { path: m }\n  rollout:\n    agentscope_learn_protocol: a->B\n    max_model_len: 100\n    max_response_length_in_one_turn: 100\n",
    [":6: astune.rollout.max_response_length_in_one_turn: expected less than rollout.max_model_len = 100, got 100"],
  ],
];

describe("a whole file of", () => {
  test.each(WHOLE)("%s", async (_name, text, lines) => {
    const path = write("whole.yaml", text);
    expect(await linesOf(loadConfig(path))).toEqual(lines.map((line) => path + line));
  });
});

test("a missing file, a folder and another kind of file are each one line", async () => {
  expect(await linesOf(loadConfig("none.yaml"))).toEqual([
    "none.yaml: expected a configuration file, got no such file",
  ]);
  write("folder.yaml/inside", "");
  expect(await linesOf(loadConfig(`${folder}/folder.yaml`))).toEqual([
    `${folder}/folder.yaml: expected a configuration file, got a folder`,
  ]);
  expect(await linesOf(loadConfig("conf.json"))).toEqual([
    'conf.json: expected a file name that ends in .yaml or .yml, got "conf.json"',
  ]);
});

test.skipIf(process.getuid?.() === 0)("a file that may not be read is one line", async () => {
  const path = write("secret.yaml", SMALLEST);
  chmodSync(path, 0);
  expect((await linesOf(loadConfig(path)))[0]).toContain("expected a readable file, got");
});

test("the error is a UserError with exit code 2 and the facts of each problem", async () => {
  const path = write("facts.yaml", "astune:\n  seed: x\n");
  const error = await loadConfig(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ exitCode: 2, code: "USER_ERROR" });
  expect((error as ConfigError).problems.at(-1)).toEqual({
    where: `${path}:2: astune.seed`,
    expected: "a whole number from 0 to 2147483647",
    found: '"x"',
  });
});
