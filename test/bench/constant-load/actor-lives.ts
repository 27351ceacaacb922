/** Actors, placement groups and jobs that are made and end, in every way that they can. */

import assert from "node:assert/strict";
import {
  get,
  getActor,
  kill,
  placementGroup,
  pythonClass,
  remote,
  removePlacementGroup,
} from "../../../runtime/index.ts";
import { followJob, submitJob } from "../../../runtime/jobs/index.ts";
import { hasPythonHosts, pythonFixtures } from "../../fixtures/python-hosts.ts";
import { Counter } from "../../fixtures/remote/counter.ts";
import { Sums } from "../../fixtures/remote/jobs.ts";
import { Steady } from "../../fixtures/remote/steady.ts";
import type { Chore } from "./chore.ts";

const Counters = remote(Counter).options({ numCpus: 0.1 });

/** One life after the other. */
const lives: readonly ((round: number) => Promise<void>)[] = [
  async () => {
    const actor = Counters.remote(1);
    assert.equal(await actor.add.remote(1), 2);
    await kill(actor);
  },
  async (round) => {
    const actor = Counters.options({ name: `named-${round}` }).remote(1);
    const same = getActor<Counter>(`named-${round}`);
    assert.equal(await (await same).add.remote(2), 3);
    await kill(actor);
  },
  async (round) => {
    const name = `detached-${round}`;
    const actor = Counters.options({ name, lifetime: "detached" }).remote(0);
    await actor.add.remote(1);
    await kill(await getActor<Counter>(name));
  },
  async () => {
    const actor = Counters.remote(1);
    await actor.add.remote(1);
    await actor[Symbol.asyncDispose]();
  },
  async () => {
    const actor = Counters.options({ maxRestarts: 1, maxTaskRetries: 1 }).remote(1);
    await assert.rejects(() => get(actor.crash.options({ maxTaskRetries: 0 }).remote()));
    await kill(actor);
  },
  async () => {
    const actor = remote(Steady).options({ numCpus: 0.1 }).remote();
    await assert.rejects(() => get(actor.exit.remote()));
  },
  // Nobody ends it: its handle is collected.
  async () => void (await Counters.remote(1).add.remote(1)),
];

export function actorLives(): Chore[] {
  return [
    { name: "an actor's life", everyMs: 6_000, run: async (round) => lives[round % lives.length]?.(round) },
    {
      name: "a placement group",
      everyMs: 4_000,
      async run() {
        const group = placementGroup([{ CPU: 0.5 }, { CPU: 0.5 }], { strategy: "SPREAD" });
        assert.equal(await group.ready(), true);
        await removePlacementGroup(group);
      },
    },
    {
      name: "a placement group with an actor",
      everyMs: 30_000,
      async run() {
        const group = placementGroup([{ CPU: 1 }]);
        const schedulingStrategy = { placementGroup: group, bundleIndex: 0 } as never;
        const actor = remote(Counter).options({ numCpus: 1, schedulingStrategy }).remote(1);
        assert.equal(await actor.add.remote(1), 2);
        await removePlacementGroup(group);
      },
    },
    {
      name: "a job",
      everyMs: 40_000,
      async run() {
        const { jobId } = await submitJob({ entry: Sums, args: [3], metadata: { kind: "load" } });
        let log = "";
        for await (const text of followJob(jobId)) log += text;
        assert.equal(log, "sum 1\nsum 3\nsum 6\n");
      },
    },
    ...(hasPythonHosts ? [{ name: "a Python actor's life", everyMs: 40_000, run: pythonLife } satisfies Chore] : []),
  ];
}

async function pythonLife(): Promise<void> {
  const Class = pythonClass<{ add(n: number): number }, [start?: number]>(
    "counters->Counter",
    { add: "sync" },
    { folders: [pythonFixtures] },
  );
  const actor = Class.options({ numCpus: 0.1 }).remote(1);
  assert.equal(await actor.add.remote(1), 2);
  await kill(actor);
}
