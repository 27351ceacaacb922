/** What a configuration means for the loop and the learner where one number follows from several keys. */

import { expect, test } from "vitest";
import { learnerOptions, planLoop, vllmOptions } from "../../../backbones/loop/index.ts";
import { loadConfig } from "../../../configs/index.ts";
import { SMALLEST, yamlFolder } from "../configs/yaml-folder.ts";

const { write } = yamlFolder();

async function configWith(...set: string[]) {
  const path = write("plan.yaml", SMALLEST);
  return (await loadConfig(path, { set: set.map((item) => `trainer_common.${item}`) })).config;
}

test("the run's updates are those of all its steps, whether steps or epochs are given", async () => {
  const given = await configWith("total_training_steps=10", "mini_batch_num=3");
  expect(planLoop(given, 100, 0)).toMatchObject({ totalSteps: 10, totalUpdates: 30 });
  // 32 tasks a step.
  const epochs = await configWith("total_epochs=2", "mini_batch_num=2");
  expect(planLoop(epochs, 100, 0)).toMatchObject({ totalSteps: 6, totalUpdates: 12 });
});

test("the learner gets the schedule of the rate, and the rate stays constant unless it is told", async () => {
  const plain = learnerOptions(await configWith(), 0, 30).optimizer;
  expect(plain).toMatchObject({ schedule: "constant", totalUpdates: 30 });
  const cosine = await configWith("optim.lr_scheduler_type=cosine", "optim.min_lr_ratio=0.1");
  expect(learnerOptions(cosine, 0, 30).optimizer).toMatchObject({ schedule: "cosine", minLrRatio: 0.1 });
});

test("vLLM is told to keep float32 logits where both sides compute in bfloat16 on a CPU, and there alone", async () => {
  const path = write("dtype.yaml", SMALLEST);
  const set = ["model.dtype=bfloat16", "inference.vllm_args=[--foo]"];
  const { config } = await loadConfig(path, { set });
  const override = ["--hf-overrides", '{"head_dtype":"float32"}'];
  expect(vllmOptions(config, 0, "logs")).toMatchObject({ vllm: { extraArgs: [...override, "--foo"] } });
  expect(vllmOptions(config, 1, "logs")).toMatchObject({ vllm: { extraArgs: ["--foo"] } });
  expect(vllmOptions(await configWith(), 0, "logs")).toMatchObject({ vllm: { dtype: "float32", extraArgs: [] } });
});
