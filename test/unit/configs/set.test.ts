/** A mistake on the command line names the option. */

import { describe, expect, test } from "vitest";
import { loadConfig } from "../../../configs/index.ts";
import { linesOf, SMALLEST, yamlFolder } from "./yaml-folder.ts";

const { write } = yamlFolder();

/** Arguments of `--set`, and the line after them. */
const SET: readonly [set: string, line: string][] = [
  [
    "rollout.num_repet=4",
    '--set rollout.num_repet: expected a known key, got "num_repet" (did you mean "num_repeat"?)',
  ],
  ["astune.seed=x", '--set astune.seed: expected a whole number from 0 to 2147483647, got "x"'],
  ["seed.deep=1", "--set seed.deep: expected a whole number from 0 to 2147483647, got a mapping"],
  ["seed", '--set: expected key=value, as in rollout.num_repeat=8, got "seed"'],
  ["=3", '--set: expected key=value, as in rollout.num_repeat=8, got "=3"'],
  ["a..b=3", '--set: expected key=value, as in rollout.num_repeat=8, got "a..b=3"'],
  ["trainer_common.logger=[a", '--set trainer_common.logger: expected a YAML value, got "[a"'],
  ["data={train_batch_size: 0}", "--set data: astune.data.train_batch_size: expected a whole number ≥ 1, got 0"],
  [
    "rollout.user_workflow=x",
    '--set rollout.user_workflow: expected a workflow, module->Class, as in tutorial.example_math_agent.math_agent->ExampleMathLearn, got "x"',
  ],
  ["__proto__.x=1", '--set __proto__.x: expected a known key, got "__proto__"'],
];

describe("--set", () => {
  test.each(SET)("%s", async (set, line) => {
    expect(await linesOf(loadConfig(write("set.yaml", `${SMALLEST}  seed: 1\n`), { set: [set] }))).toEqual([line]);
  });
});

test("an unknown --backbone names the option", async () => {
  const lines = await linesOf(loadConfig(write("backbone.yaml", SMALLEST), { backbone: "verl" }));
  expect(lines).toEqual(['--backbone: expected one of debug, trinity, got "verl"']);
});
