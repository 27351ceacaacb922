import { afterEach, describe, expect, test } from "vitest";
import {
  ActorDiedError,
  ActorUnavailableError,
  availableResources,
  get,
  getActor,
  listActors,
  nodes,
  placementGroup,
  placementGroupTable,
  remote,
  WorkerCrashedError,
} from "../../../runtime/index.ts";
import { startTicksOf } from "../../../runtime/processes/process-record.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { FaultCluster } from "../../fixtures/fault-cluster.ts";
import { Steady, slowly } from "../../fixtures/remote/steady.ts";

const isRunning = (pid: number): boolean => startTicksOf(pid) !== undefined;
const one = { cpus: 4, gpus: 2 };
const caught = (promise: PromiseLike<unknown>) => Promise.resolve(promise).catch((error: unknown) => error);

describe("processes that end or stand still", () => {
  let cluster: FaultCluster;
  afterEach(() => cluster.close());

  test("a killed actor host: what it started ends, calls fail, the actor is made again with its GPUs", async () => {
    cluster = await FaultCluster.start({ nodes: [one] });
    const actor = remote(Steady).options({ numGpus: 2, maxRestarts: 1, maxTaskRetries: 0 }).remote();
    const [pid, child] = await get([actor.pid.remote(), actor.startChild.remote()]);
    const running = actor.seeSlowly.remote(1, 60_000);
    await actor.see.remote(0);
    process.kill(pid, "SIGKILL");
    expect(await caught(running)).toBeInstanceOf(ActorUnavailableError);
    expect(await actor.seen.remote()).toEqual([]);
    expect(await actor.gpus.remote()).toEqual(["0", "1"]);
    expect([isRunning(pid), isRunning(child)]).toEqual([false, false]);

    process.kill(await actor.pid.remote(), "SIGKILL");
    expect(await caught(actor.see.remote(1))).toBeInstanceOf(ActorDiedError);
    await eventually(availableResources, ({ GPU }) => GPU === 2);
    await cluster.accountFor();
  });

  test("an actor that ends itself is not made again", async () => {
    cluster = await FaultCluster.start({ nodes: [one] });
    const actor = remote(Steady).options({ maxRestarts: -1, numGpus: 1 }).remote();
    await caught(actor.exit.remote());
    expect(await caught(actor.see.remote(1))).toBeInstanceOf(ActorDiedError);
    expect((await listActors())[0]?.deathCause?.reason).toBe("EXITED");
    await cluster.accountFor();
  });

  test("a killed worker: all that ran on it ends at once, its actors and bundles are made again elsewhere", async () => {
    cluster = await FaultCluster.start({ nodes: [one, one], silenceSeconds: 60 });
    const nodeId = cluster.nodeId(1);
    const group = placementGroup([{ GPU: 1, CPU: 1 }, { CPU: 1 }], { strategy: "SPREAD" });
    await group.ready();
    const inGroup = [0, 1].map((bundleIndex) =>
      remote(Steady)
        .options({
          numCpus: 1,
          maxRestarts: 1,
          maxTaskRetries: -1,
          schedulingStrategy: { placementGroup: group, bundleIndex },
        })
        .remote(),
    );
    const bound = remote(Steady)
      .options({ resources: { node1: 1 }, maxRestarts: 0 })
      .remote();
    const busy = remote(Steady)
      .options({ numCpus: 0, resources: { node1: 1 } })
      .remote();
    const child = await busy.startChild.remote();
    await get([...inGroup.map((actor) => actor.see.remote(1)), bound.see.remote(1)]);
    const task = remote(slowly)
      .options({ resources: { node1: 1 }, maxRetries: 0 })
      .remote(1, 60_000);
    await eventually(
      () => cluster.hostsOf(nodeId).length,
      (count) => count >= 5,
    );
    void caught(busy.spin.remote(60_000));

    expect(cluster.sharedMemoryOf(cluster.node(1))).toHaveLength(1);
    const killedAt = performance.now();
    await cluster.kill(cluster.node(1));
    await eventually(
      () => cluster.hostsOf(nodeId),
      (pids) => pids.length === 0,
    );
    expect(isRunning(child)).toBe(false);
    await eventually(
      () => cluster.sharedMemoryOf(cluster.node(1)),
      (left) => left.length === 0,
    );
    expect(await caught(bound.see.remote(2))).toBeInstanceOf(ActorDiedError);
    expect(await caught(task)).toBeInstanceOf(WorkerCrashedError);
    expect(performance.now() - killedAt).toBeLessThan(30_000);
    for (const actor of inGroup) expect(await actor.see.remote(2)).toBe(2);
    const [table] = await placementGroupTable();
    expect(table?.state).toBe("CREATED");
    expect(new Set(table?.bundles.map((bundle) => bundle.nodeId)).has(nodeId as never)).toBe(false);
    await cluster.accountFor();
  });

  test("a stopped worker says goodbye: its actors are made again elsewhere", async () => {
    cluster = await FaultCluster.start({ nodes: [one, { cpus: 4, gpus: 0 }], silenceSeconds: 60 });
    const actor = remote(Steady).options({ numGpus: 1, maxRestarts: -1, maxTaskRetries: -1 }).remote();
    await actor.see.remote(1);
    await cluster.stop(cluster.node(0));
    const again = actor.see.remote(2);
    await cluster.startNode(0);
    expect(await again).toBe(2);
    await cluster.accountFor();
  });

  test("a killed driver: its actors, groups and tasks end, detached actors stay", async () => {
    cluster = await FaultCluster.start({ nodes: [one], silenceSeconds: 60 });
    const driver = await cluster.startDriver();
    await cluster.kill(driver);
    await eventually(availableResources, ({ CPU, GPU }) => CPU === one.cpus && GPU === one.gpus);
    const states = Object.fromEntries((await listActors()).map(({ name, state }) => [name, state]));
    expect(states).toEqual({ own: "DEAD", kept: "ALIVE" });
    expect((await placementGroupTable()).map(({ state }) => state)).toEqual(["REMOVED"]);
    expect(await (await getActor<Steady>("kept")).seen.remote()).toEqual([1]);
    await cluster.accountFor();
  });

  test("a driver that stands still for longer than the silence limit counts as gone, and learns it when it goes on", async () => {
    cluster = await FaultCluster.start({ nodes: [one], silenceSeconds: 5 });
    const driver = await cluster.startDriver();
    await cluster.freeze(driver);
    await eventually(availableResources, ({ CPU, GPU }) => CPU === one.cpus && GPU === one.gpus);
    await cluster.thaw(driver);
    expect(await driver.says(/actor: (.+)/)).toMatch(/was silent for too long|has ended/);
    await cluster.accountFor();
  });

  test("a worker that stands still for longer than the silence limit is dead, and ends when it goes on", async () => {
    cluster = await FaultCluster.start({ nodes: [one, one], silenceSeconds: 5 });
    const nodeId = cluster.nodeId(0);
    const actor = remote(Steady)
      .options({ maxRestarts: -1, maxTaskRetries: -1, schedulingStrategy: { nodeId, soft: true } })
      .remote();
    await actor.see.remote(1);
    await cluster.freeze(cluster.node(0));
    await eventually(nodes, (all) => all.find((node) => node.nodeId === nodeId)?.alive === false);
    expect(await actor.see.remote(2)).toBe(2);
    await cluster.thaw(cluster.node(0));
    await eventually(
      () => cluster.node(0).running,
      (running) => !running,
    );
    expect(cluster.node(0).output).toMatch(/was declared dead/);
    expect(cluster.hostsOf(nodeId)).toEqual([]);
    await cluster.accountFor();
  });

  test("a worker that stands still for a while keeps its actors", async () => {
    cluster = await FaultCluster.start({ nodes: [one], silenceSeconds: 30 });
    const actor = remote(Steady).remote();
    await actor.see.remote(1);
    await cluster.freeze(cluster.node(0));
    // Calls do not pass through the agent.
    expect(await actor.see.remote(2)).toBe(2);
    const another = remote(Steady).remote();
    const late = another.see.remote(3);
    await cluster.thaw(cluster.node(0));
    expect(await late).toBe(3);
    expect(await actor.seen.remote()).toEqual([1, 2]);
    await cluster.accountFor();
  });
});
