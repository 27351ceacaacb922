import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processesOf, root, Workplace } from "../fixtures/command-line.ts";

let place: Workplace;
beforeEach(async () => {
  place = await Workplace.create();
  // The YAML's own folder is searched first: the workflows lie beside it.
  for (const name of ["throws", "never_returns", "floods", "big_call", "judges"]) {
    const source = join(root, "test", "fixtures", "workflows", `${name.replaceAll("_", "-")}.ts`);
    await writeFile(join(place.folder, `${name}.ts`), `export * from ${JSON.stringify(source)};\n`);
  }
});
afterEach(async () => {
  expect(await processesOf(place)).toEqual([]);
  await place.remove();
});

const workflow = (name: string): string => `rollout.agentscope_learn_protocol=${name}`;
const SHORT = ["trainer_common.total_training_steps=1", "rollout.max_episode_retries=0"];

/** The error line of a run, which must be its only one. */
function errorLine({ code, output }: { code: number | string; output: string }): string {
  expect(output).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  const lines = output.split("\n").filter((line) => line.startsWith("astune: "));
  expect(lines, output).toHaveLength(1);
  expect(code, output).toBe(2);
  return lines[0] as string;
}

test("a missing model is one line that names the YAML's line", async () => {
  const line = errorLine(await place.submit(["model.path=/nowhere/model"]));
  expect(line).toMatch(
    /--set model\.path: astune\.model\.path: expected .*model.*got .*\/nowhere\/model|model\.path.*expected.*\/nowhere\/model/,
  );
});

test("a missing data set is one line", async () => {
  const line = errorLine(await place.submit(["task_reader.dataset_file.training.file_path=/nowhere/tasks.jsonl"]));
  expect(line).toMatch(/expected .*got .*\/nowhere\/tasks\.jsonl/);
});

test("an unknown key is one line with the nearest key", async () => {
  expect(errorLine(await place.submit(["rollout.num_repet=3"]))).toMatch(/did you mean "num_repeat"/);
});

test("YAML that does not parse is one line with its place", async () => {
  const file = join(place.folder, "bad.yaml");
  await writeFile(file, "astune:\n  model: [unclosed\n");
  const command = place.start("submit", file);
  expect(errorLine({ code: await command.ended, output: command.output() })).toMatch(/bad\.yaml:\d+:/);
});

test("an unknown backbone is one line with those there are", async () => {
  const line = errorLine(await place.submit([], "--backbone", "slurm"));
  expect(line).toMatch(/backbone: expected .*debug.*got "?slurm/);
});

test("a missing Python is one line that says how to get it", async () => {
  place.environment["ASTUNE_PYTHON"] = "/nowhere/python";
  expect(errorLine(await place.submit())).toMatch(/expected .*[Pp]ython.*got .*\/nowhere\/python/);
});

test("a port that is taken is one line", async () => {
  const server = createServer().listen(8181, "127.0.0.1");
  try {
    expect(errorLine(await place.submit([], "--with-logview"))).toMatch(/8181/);
  } finally {
    server.close();
  }
});

test("a workflow that throws ends the run with its own words", async () => {
  const line = errorLine(await place.submit([...SHORT, workflow("throws->Throws")]));
  expect(line).toContain("no such drawer in the kitchen");
});

test("a workflow that never returns is given up after its time", async () => {
  const settings = [...SHORT, workflow("never_returns->NeverReturns"), "rollout.episode_timeout_seconds=1"];
  expect(errorLine(await place.submit(settings))).toMatch(/success.*the first: .*(time|1 s)/i);
});

test("a workflow that floods output and requests is stopped by its limits", async () => {
  const settings = [
    ...SHORT,
    workflow("floods->Floods"),
    "rollout.multi_turn.max_steps=3",
    "trainer_common.val_max_num_task_each_validation=2",
  ];
  expect(errorLine(await place.submit(settings))).toMatch(/the first: .*an episode may ask the model 3 times/);
});

test("a judge that returns NaN ends the run with the judge's name", async () => {
  expect(errorLine(await place.submit([...SHORT, "task_judge.judge_protocol=judges->SaysNaN"]))).toMatch(
    /SaysNaN.*NaN/,
  );
});

test("a tool call of one megabyte runs, and the episode that cannot hold it ends as an overflow", async () => {
  const { code, output } = await place.submit([
    ...SHORT,
    workflow("big_call->BigCall"),
    "trainer_common.val_max_num_task_each_validation=1",
  ]);
  expect(code, output).toBe(0);
  const rows = await place.metrics();
  expect(rows.at(-1)).toMatchObject({ "episode/context_overflow": 1, "episode/failed": 0 });
});
