import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import {
  ActorDiedError,
  availableResources,
  get,
  getActor,
  listActors,
  placementGroup,
  placementGroupTable,
  remote,
  removePlacementGroup,
  status,
  WorkerCrashedError,
} from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { FaultCluster } from "../../fixtures/fault-cluster.ts";
import { nested, Steady, slowly, tellsThenWaits } from "../../fixtures/remote/steady.ts";

const one = { cpus: 4, gpus: 4 };
const caught = (promise: PromiseLike<unknown>) => Promise.resolve(promise).catch((error: unknown) => error);

describe("a head that is killed and started again", () => {
  let cluster: FaultCluster;
  afterEach(() => cluster.close());

  test("calls between actors go on meanwhile, and actors, names, groups and leased GPUs are as they were", async () => {
    cluster = await FaultCluster.start({ nodes: [one] });
    const options = { numCpus: 0, maxRestarts: 0 } as const;
    const named = remote(Steady)
      .options({ ...options, name: "named", numGpus: 1 })
      .remote();
    const asking = remote(Steady).options(options).remote();
    const group = placementGroup([{ GPU: 2, CPU: 1 }], { name: "pair" });
    await group.ready();
    const inGroup = remote(Steady)
      .options({ ...options, numGpus: 1, schedulingStrategy: { placementGroup: group } })
      .remote();
    const before = await get([named.gpus.remote(), inGroup.gpus.remote(), named.pid.remote()]);
    await get([named.see.remote(7), asking.see.remote(1)]);

    const running = asking.askUntil.remote(named, 4_000);
    // The calls flow: whoever makes them has been told by the head where the other actor is.
    await eventually(
      async () => await named.seen.remote(),
      (seen) => seen.length > 2,
    );
    await cluster.restartHead(1_000);
    expect(await named.see.remote(8)).toBe(8);
    expect(await running).toBeGreaterThan(5);
    const found = await getActor<Steady>("named");
    expect(await found.pid.remote()).toBe(before[2]);
    expect((await found.seen.remote()).filter((n) => n === 7 || n === 8)).toContain(7);
    expect((await placementGroupTable()).map(({ name, state }) => [name, state])).toEqual([["pair", "CREATED"]]);
    await eventually(availableResources, ({ CPU, GPU }) => CPU === 3 && GPU === 1);

    // What is free is what nobody has: the new actors get the GPUs that are left, in the group and beside it.
    const more = remote(Steady)
      .options({ ...options, numGpus: 1, schedulingStrategy: { placementGroup: group } })
      .remote();
    const last = remote(Steady)
      .options({ ...options, numGpus: 1 })
      .remote();
    const after = await get([more.gpus.remote(), last.gpus.remote()]);
    expect(new Set([...before.slice(0, 2), ...after].flat())).toEqual(new Set(["0", "1", "2", "3"]));
    await removePlacementGroup(group);
    expect(await caught(inGroup.see.remote(1))).toMatchObject({ code: "ACTOR_PLACEMENT_GROUP_REMOVED" });
    await cluster.accountFor();
  });

  test("what was asked of it is answered by the next one, once", async () => {
    cluster = await FaultCluster.start({ nodes: [{ cpus: 2, gpus: 1 }] });
    const first = remote(Steady).options({ numGpus: 1, name: "first" }).remote();
    await first.see.remote(1);
    const waiting = remote(Steady).options({ numGpus: 1, name: "second", numCpus: 0 }).remote();
    const group = placementGroup([{ GPU: 1 }]);
    const pending = waiting.pid.remote();
    const made = group.ready();
    await cluster.kill(cluster.head);
    const third = remote(Steady).options({ numCpus: 0, name: "third" }).remote();
    const early = third.see.remote(3);
    await cluster.restartHead();
    expect(await early).toBe(3);
    await eventually(status, ({ pending: all }) => all.length === 2);
    first[Symbol.dispose]();
    // Which of the two gets the GPU first is not promised.
    const winner = await Promise.race([pending.then(() => "actor"), made.then(() => "group")]);
    if (winner === "actor") waiting[Symbol.dispose]();
    else await removePlacementGroup(group);
    expect(await pending).toBeGreaterThan(0);
    expect(await made).toBe(true);
    waiting[Symbol.dispose]();
    const names = (await listActors()).map(({ name }) => name);
    expect(names.toSorted()).toEqual(["first", "second", "third"]);
    await cluster.accountFor();
  });

  test("actors that ended while it was away are made again or dead, each for its own reason", async () => {
    cluster = await FaultCluster.start({ nodes: [one] });
    const again = remote(Steady).options({ name: "again", maxRestarts: 1, maxTaskRetries: 1, numGpus: 1 }).remote();
    const dead = remote(Steady).options({ name: "dead", maxRestarts: 0, numGpus: 1 }).remote();
    const left = remote(Steady).options({ name: "left", maxRestarts: -1, numGpus: 1 }).remote();
    const pids = await get([again.pid.remote(), dead.pid.remote(), left.pid.remote()]);
    await cluster.kill(cluster.head);
    for (const pid of pids.slice(0, 2)) process.kill(pid, "SIGKILL");
    void caught(left.exit.remote());
    await eventually(
      () => cluster.hostsOf(cluster.nodeId(0)).filter((pid) => pids.includes(pid)),
      (running) => running.length === 0,
    );
    await cluster.restartHead();
    await eventually(listActors, (actors) =>
      actors.every(({ name, state }) => (state === "ALIVE") === (name === "again")),
    );
    expect(await again.seen.remote()).toEqual([]);
    expect(await caught(dead.see.remote(1))).toBeInstanceOf(ActorDiedError);
    expect(await caught(left.see.remote(1))).toBeInstanceOf(ActorDiedError);
    const reasons = (await listActors()).map(({ name, deathCause }) => [name, deathCause?.reason]);
    expect(new Map(reasons as [string, string][])).toEqual(
      new Map<string, string | undefined>([
        ["again", undefined],
        ["dead", "WORKER_DIED"],
        ["left", "EXITED"],
      ]),
    );
    await eventually(availableResources, ({ GPU }) => GPU === 3);
    await cluster.accountFor();
  });

  test("tasks run on, their hosts are counted, and a task that waits for another has lent its CPU", async () => {
    cluster = await FaultCluster.start({ nodes: [{ cpus: 2, gpus: 0 }] });
    const running = [1, 2].map((n) => remote(nested).options({ numCpus: 1 }).remote(n, 3_000));
    await eventually(availableResources, ({ CPU }) => CPU === 0);
    await cluster.restartHead();
    const backAt = performance.now();
    await eventually(availableResources, ({ CPU }) => CPU === 0);
    expect(await get(running)).toEqual([2, 3]);
    expect(await remote(slowly).remote(4, 1)).toBe(4);
    // Nothing waited until a process that is gone was given up, which takes a minute.
    expect(performance.now() - backAt).toBeLessThan(20_000);
    await cluster.accountFor();
  });

  test("it may be killed at any moment of hosts being leased: tasks go on at once, and no CPU is lost", async () => {
    cluster = await FaultCluster.start({ nodes: [{ cpus: 2, gpus: 0 }] });
    for (const pauseMs of [0, 60, 150, 300, 500]) {
      const running = [1, 2].map((n) => remote(nested).options({ numCpus: 1 }).remote(n, 400));
      await sleep(pauseMs);
      await cluster.restartHead();
      const backAt = performance.now();
      expect(await get(running)).toEqual([2, 3]);
      expect(performance.now() - backAt).toBeLessThan(20_000);
      await eventually(availableResources, ({ CPU }) => CPU === 2);
    }
    await cluster.accountFor();
  });

  test("a worker that ended while it was away: its actors are made again elsewhere after the silence limit", async () => {
    cluster = await FaultCluster.start({ nodes: [one, one], silenceSeconds: 8 });
    const options = { maxTaskRetries: -1, schedulingStrategy: { nodeId: cluster.nodeId(1), soft: true } } as const;
    const actor = remote(Steady)
      .options({ ...options, maxRestarts: -1, numGpus: 1 })
      .remote();
    const group = placementGroup([{ CPU: 1 }, { CPU: 1 }], { strategy: "STRICT_SPREAD" });
    await group.ready();
    const ear = remote(Steady)
      .options({ resources: { node0: 1 } })
      .remote();
    const task = remote(tellsThenWaits)
      .options({ maxRetries: 0, resources: { node1: 1 } })
      .remote(ear, 1, 60_000);
    await actor.see.remote(1);
    await eventually(
      async () => (await ear.seen.remote()).length,
      (count) => count === 1,
    );
    await cluster.kill(cluster.head);
    await cluster.kill(cluster.node(1));
    await cluster.restartHead();
    expect(await actor.see.remote(2)).toBe(2);
    expect(await caught(task)).toBeInstanceOf(WorkerCrashedError);
    expect((await placementGroupTable())[0]?.state).toBe("RESCHEDULING");
    await cluster.startNode(1);
    await eventually(placementGroupTable, ([table]) => table?.state === "CREATED");
    await cluster.accountFor();
  });

  test("a driver that ended while it was away: what it had made ends after the silence limit", async () => {
    cluster = await FaultCluster.start({ nodes: [one], silenceSeconds: 8 });
    const driver = await cluster.startDriver();
    await cluster.kill(cluster.head);
    await cluster.kill(driver);
    await cluster.restartHead();
    await eventually(availableResources, ({ CPU, GPU }) => CPU === one.cpus && GPU === one.gpus);
    const states = Object.fromEntries((await listActors()).map(({ name, state }) => [name, state]));
    expect(states).toEqual({ own: "DEAD", kept: "ALIVE" });
    await cluster.accountFor();
  });

  test("it may be killed at any moment of many actors being made: each is made once", async () => {
    cluster = await FaultCluster.start({ nodes: [{ cpus: 8, gpus: 4 }] });
    const actors = Array.from({ length: 6 }, (_, n) => {
      return remote(Steady)
        .options({ name: `a${n}`, numCpus: 0, numGpus: n < 4 ? 1 : 0 })
        .remote();
    });
    const calls = actors.map((actor, n) => actor.see.remote(n));
    for (const pauseMs of [150, 400]) {
      await sleep(pauseMs);
      await cluster.restartHead();
    }
    expect(await get(calls)).toEqual([0, 1, 2, 3, 4, 5]);
    const gpus = await get(actors.map((actor) => actor.gpus.remote()));
    expect(new Set(gpus.flat())).toEqual(new Set(["0", "1", "2", "3"]));
    const pids = await get(actors.map((actor) => actor.pid.remote()));
    expect(new Set(pids).size).toBe(6);
    // No second incarnation runs anywhere: besides the six there is at most the host that is kept ready.
    await eventually(
      () => cluster.hostsOf(cluster.nodeId(0)).length,
      (count) => count <= 7,
    );
    await cluster.accountFor();
  });
});
