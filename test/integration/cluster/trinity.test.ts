/** The trinity backbone on a real cluster of this machine: head, two workers, and a process for every actor. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TuningJob } from "../../../backbones/trinity/index.ts";
import { loadConfig } from "../../../configs/index.ts";
import { availableResources, clusterResources, listActors, remote } from "../../../runtime/index.ts";
import { Cluster, eventually } from "../../fixtures/cluster.ts";
import { root, Workplace } from "../../fixtures/command-line.ts";

let cluster: Cluster;
let place: Workplace;

beforeAll(async () => {
  cluster = await Cluster.start({ cpus: 4, gpus: 0 }, { cpus: 4, gpus: 0 });
  await cluster.connect();
  place = await Workplace.create();
});
afterAll(async () => {
  await cluster.close();
  await place.remove();
});

test("a job runs ahead within its bound from a process of its own, with each actor in another, and leaves nothing", async () => {
  const set = [
    ...["seed=11", "inference.engine=embedded", "trinity.max_staleness=1", "trinity.runner_per_model=2"],
    ...["trainer_common.total_training_steps=3", "trainer_common.val_max_num_task_each_validation=2"],
    "trainer_common.trinity_only__n_vllm_engine=1",
  ];
  const loaded = await loadConfig(await place.configure(), { set, backbone: "trinity" });
  const conf = join(place.folder, "expanded.yaml");
  await writeFile(conf, loaded.expandedYaml());
  const job = remote(TuningJob)
    .options({ name: "job", lifetime: "detached" })
    .remote({ conf, folder: place.experiment, searchFolders: [root], resume: false });
  const summary = await job.run.remote();
  expect(summary).toMatchObject({ steps: 3, failed_episodes: 0 });
  const rows = (await place.metrics()).filter((row) => row["step"] !== 0);
  expect(rows).toHaveLength(3);
  for (const row of rows) expect(row["staleness/max"]).toBeLessThanOrEqual(1);
  const actors = await listActors();
  const counts = ["TuningJob", "LearnerActor", "InferenceActor", "RolloutActor", "JudgeActor"].map((name) => {
    return actors.filter(({ className }) => className === name).length;
  });
  expect(counts).toEqual([1, 1, 1, 2, 1]);
  await job.__ray_terminate__.remote();
  await eventually(listActors, (actors) => actors.every(({ state }) => state === "DEAD"));
  expect(await eventually(availableResources, (free) => free["CPU"] === 8)).toMatchObject(await clusterResources());
});
