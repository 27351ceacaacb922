import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Experiment, ExperimentTakenError, WEIGHTS } from "../../../backbones/experiment/index.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-experiment-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("a folder that holds a run is never written over", async () => {
  const experiment = await Experiment.create(folder, "astune: {}\n");
  await experiment.appendMetrics({ step: 1 });
  await expect(Experiment.create(folder, "")).rejects.toThrow(/expected a folder without a run in it.*--resume/);
});

test("a checkpoint is there whole or not at all, and a failed one leaves the earlier ones", async () => {
  const experiment = await Experiment.create(folder, "");
  await experiment.writeCheckpoint(1, 3, (path) => writeFile(join(path, "weights"), "1"));
  const full = experiment.writeCheckpoint(2, 3, async (path) => {
    await writeFile(join(path, "weights"), "half");
    throw new Error("disk full");
  });
  await expect(full).rejects.toThrow("disk full");
  expect(await experiment.checkpointSteps()).toEqual([1]);
  expect(await readdir(join(folder, "checkpoints"))).toEqual(["step-000001"]);
});

test("only the newest checkpoints are kept", async () => {
  const experiment = await Experiment.create(folder, "");
  for (const step of [1, 2, 3, 4]) await experiment.writeCheckpoint(step, 2, (path) => mkdir(join(path, "learner")));
  expect(await experiment.checkpointSteps()).toEqual([3, 4]);
});

test("what came after a step is forgotten, and a line that was cut off is not read", async () => {
  const experiment = await Experiment.create(folder, "");
  for (const step of [0, 1, 2, 3]) await experiment.appendMetrics({ step });
  await experiment.appendEpisodes("train", 2, []);
  await experiment.appendEpisodes("train", 3, []);
  await experiment.appendEpisodes("validation", 0, []);
  await writeFile(experiment.metricsFile, '{"step":0}\n{"step":1}\n{"step":2}\n{"step":3}\n{"ste', { flag: "w" });
  await experiment.truncateAfter(2);
  expect((await experiment.metrics()).map((row) => row.step)).toEqual([0, 1, 2]);
  expect((await readdir(join(folder, "episodes"))).sort()).toEqual(["step-000002.jsonl", "validation-000000.jsonl"]);
});

test("who takes an experiment up owns it: the one before may not write to it any more", async () => {
  const before = await Experiment.create(folder, "");
  await before.appendMetrics({ step: 1 });
  await mkdir(join(folder, `${WEIGHTS}left`));
  let after: Experiment | undefined;
  const checkpoint = before.writeCheckpoint(1, 3, async () => {
    after = await Experiment.reopen(folder, "");
  });
  await expect(checkpoint).rejects.toBeInstanceOf(ExperimentTakenError);
  await expect(before.appendMetrics({ step: 2 })).rejects.toThrow(/another process has taken up this experiment/);
  await expect(before.writeSummary({})).rejects.toBeInstanceOf(ExperimentTakenError);
  await after?.appendMetrics({ step: 2 });
  expect((await after?.metrics())?.map(({ step }) => step)).toEqual([1, 2]);
  expect(await after?.checkpointSteps()).toEqual([]);
  expect((await readdir(folder)).filter((name) => name.startsWith(WEIGHTS))).toEqual([]);
});
