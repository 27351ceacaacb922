/** The trinity backbone on a real cluster of this machine: head, worker, and a process for every actor. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TuningJob } from "../../backbones/trinity/index.ts";
import { loadConfig } from "../../configs/index.ts";
import { listActors, remote } from "../../runtime/index.ts";
import { Cluster, eventually } from "../fixtures/cluster.ts";
import { root, Workplace } from "../fixtures/command-line.ts";

let cluster: Cluster;
let place: Workplace;
beforeAll(async () => {
  place = await Workplace.create();
  cluster = await Cluster.start({ cpus: 4 });
  await cluster.connect();
});
afterAll(async () => {
  await cluster.close();
  await place.remove();
});

test("a job runs the loop from a process of its own, with each actor in another, and leaves none", async () => {
  const set = [
    "trinity.max_staleness=1",
    "trinity.runner_per_model=2",
    "trainer_common.trinity_only__n_vllm_engine=1",
    "trainer_common.total_training_steps=3",
    "trainer_common.val_max_num_task_each_validation=2",
  ];
  const loaded = await loadConfig(await place.configure(), { set, backbone: "trinity" });
  const conf = join(place.folder, "expanded.yaml");
  await writeFile(conf, loaded.expandedYaml());
  const job = remote(TuningJob)
    .options({ name: "job", lifetime: "detached" })
    .remote({ conf, folder: place.experiment, searchFolders: [root], resume: false });
  const summary = await job.run.remote();

  expect(summary).toMatchObject({ steps: 3, failed_episodes: 0 });
  const rows = (await place.metrics()).filter((row) => (row["step"] ?? 0) > 0);
  for (const row of rows) expect(row["staleness/max"]).toBeLessThanOrEqual(1);
  const actors = await listActors();
  const count = (name: string): number => actors.filter((actor) => actor.className === name).length;
  expect(["TuningJob", "LearnerActor", "InferenceActor", "RolloutActor", "JudgeActor"].map(count)).toEqual([
    1, 1, 1, 2, 1,
  ]);
  await job.__ray_terminate__.remote();
  await eventually(listActors, (left) => left.every((actor) => actor.state === "DEAD"));
});
