/** The trinity backbone without a cluster: its actors in this process, everything between them copied as between processes. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { submit } from "../../backbones/index.ts";
import { TuningJob } from "../../backbones/trinity/index.ts";
import { loadConfig } from "../../configs/index.ts";
import { init, remote, shutdown } from "../../runtime/index.ts";
import { processesOf, root, Workplace } from "../fixtures/command-line.ts";

const places: Workplace[] = [];
afterEach(() => shutdown());
afterAll(() => Promise.all(places.map((place) => place.remove())));

async function open(): Promise<Workplace> {
  const place = await Workplace.create();
  places.push(place);
  return place;
}

const SMALL = [
  "seed=11",
  "trainer_common.total_training_steps=3",
  "trainer_common.save_freq=100",
  "trainer_common.val_max_num_task_each_validation=2",
  "inference.engine=embedded",
];

/** Runs the job as an actor, as a cluster would. */
interface JobSurroundings {
  readonly numGpus?: number;
  readonly resume?: boolean;
}

async function runJob(
  place: Workplace,
  settings: readonly string[],
  { numGpus = 0, resume = false }: JobSurroundings = {},
): Promise<void> {
  const loaded = await loadConfig(await place.configure(), { set: [...SMALL, ...settings], backbone: "trinity" });
  const conf = join(place.folder, "expanded.yaml");
  await writeFile(conf, loaded.expandedYaml());
  await init({ local: true, wire: true, numGpus });
  const job = remote(TuningJob).remote({ conf, folder: place.experiment, searchFolders: [root], resume });
  await job.run.remote();
  await shutdown();
}

/** What a run computed: its metrics without the clock's. */
async function numbers(place: Workplace): Promise<unknown[]> {
  return (await place.metrics()).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([key]) => !/^(time|throughput)\//.test(key))),
  );
}

const weightsOf = (place: Workplace): Promise<Buffer> => readFile(join(place.experiment, "model", "model.safetensors"));

test("with max_staleness 0 and deterministic, trinity computes exactly what debug computes", async () => {
  const debug = await open();
  await submit({
    conf: await debug.configure(),
    set: [...SMALL, "deterministic=true"],
    output: { write: () => true },
    signal: new AbortController().signal,
  });
  const trinity = await open();
  await runJob(trinity, [
    "deterministic=true",
    "trinity.max_staleness=0",
    "trainer_common.trinity_only__n_vllm_engine=2",
    "trinity.runner_per_model=2",
  ]);
  expect(await numbers(trinity)).toEqual(await numbers(debug));
  expect((await weightsOf(trinity)).equals(await weightsOf(debug))).toBe(true);
});

test.each(["true", "false"])(
  "rollouts run ahead of training, partial_rollout %s, and leave nothing behind",
  async (partial) => {
    const place = await open();
    process.env["ASTUNE_STATE_DIR"] = place.environment["ASTUNE_STATE_DIR"];
    try {
      await runJob(place, [
        "trinity.max_staleness=1",
        `trinity.partial_rollout=${partial}`,
        "trainer_common.total_training_steps=4",
        "trainer_common.trinity_only__n_vllm_engine=1",
      ]);
    } finally {
      delete process.env["ASTUNE_STATE_DIR"];
    }
    const rows = (await place.metrics()).filter((row) => (row["step"] ?? 0) > 0);
    expect(rows.map((row) => row["step"])).toEqual([1, 2, 3, 4]);
    for (const row of rows) {
      expect(row["staleness/max"]).toBeLessThanOrEqual(1);
      expect(row["buffer/dropped"]).toBe(0);
    }
    // The first weights made episodes that the second were trained on.
    expect(rows[1]?.["staleness/max"]).toBe(1);
    expect(rows[1]?.["staleness/older_tokens"]).toBeGreaterThan(0);
    const summary = JSON.parse(await place.read("summary.json"));
    expect(summary.steps).toBe(4);
    expect(await processesOf(place)).toEqual([]);
  },
);

test("a job goes on from its last checkpoint, with the weights of then in its engines", async () => {
  const place = await open();
  const settings = ["trinity.max_staleness=0", "trainer_common.trinity_only__n_vllm_engine=1"];
  await runJob(place, [...settings, "trainer_common.save_freq=1", "trainer_common.total_training_steps=2"]);
  await runJob(place, [...settings, "trainer_common.total_training_steps=3"], { resume: true });
  expect(await place.read("run.log")).toContain("resumed after step 2");
  const rows = await place.metrics();
  expect(rows.map((row) => row["step"])).toEqual([0, 1, 2, 3]);
  // Engines that had stayed at the first weights would be far from the learner.
  expect(rows[3]?.["learner/logprob_difference"]).toBeLessThan(1e-4);
});

test("colocated, engines and learner take turns on the same GPUs, in lockstep", async () => {
  const place = await open();
  // A GPU that the runtime believes in: its place is leased and shared, and the model is on the CPU all the same.
  const settings = ["trinity.layout=colocated", "trinity.max_staleness=4", "model.dtype=float32"];
  await runJob(place, [...settings, "trainer_common.trinity_only__n_vllm_engine=1"], { numGpus: 1 });
  expect(await place.read("run.log")).toContain("colocated: learner and 1 engine take turns on 1 GPU");
  const rows = (await place.metrics()).filter((row) => (row["step"] ?? 0) > 0);
  expect(rows.map((row) => row["staleness/max"])).toEqual([0, 0, 0]);
  expect(rows.at(-1)?.["learner/weight_version"]).toBeGreaterThan(0);
});

test("what does not fit the cluster ends the job at once, with the arithmetic", async () => {
  const place = await open();
  const settings = ["trainer_common.trinity_only__n_vllm_engine=2", "trainer_common.n_gpus_per_node=4"];
  await expect(runJob(place, settings, { numGpus: 2 })).rejects.toThrow(
    /2 engines × tensor_model_parallel_size 1 = 2 GPUs \+ learner 2 = 4 GPUs.*the cluster has 1 node × 2 = 2/,
  );
});
