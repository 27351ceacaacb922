import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ActorDiedError,
  clusterResources,
  get,
  getActor,
  kill,
  listActors,
  nodes,
  placementGroup,
  put,
  RayTaskError,
  remote,
  removePlacementGroup,
} from "../../../runtime/index.ts";
import { Cluster, eventually } from "../../fixtures/cluster.ts";
import { add, Counter, fibonacci } from "../../fixtures/remote/counter.ts";

describe("a head and two nodes", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start({ cpus: 4, gpus: 2 }, { cpus: 2, labels: "zone=b" });
    await cluster.connect();
  });
  afterAll(() => cluster.close());

  test("the nodes' resources are the cluster's", async () => {
    expect(await nodes()).toHaveLength(2);
    expect(await clusterResources()).toMatchObject({ CPU: 6, GPU: 2 });
  });

  test("an actor lives in a process of its own and keeps its state", async () => {
    const counter = remote(Counter).remote(5);
    expect(await counter.add.remote(1)).toBe(6);
    expect(await counter.addLater.remote(put(2))).toBe(8);
    expect(await counter.pid.remote()).not.toBe(process.pid);
  });

  test("what an actor throws arrives as its class, and as RayTaskError", async () => {
    const error = await get(remote(Counter).remote().fail.remote("no")).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toBeInstanceOf(RayTaskError);
    expect(error).toMatchObject({ message: "no", functionName: "Counter.fail" });
  });

  test("handles and references travel between actors", async () => {
    const [one, two] = [remote(Counter).remote(1), remote(Counter).remote(10)];
    expect(await one.addTo.remote(two, 5)).toBe(15);
    expect(await one.sum.remote([put(1), two.add.remote(0), put(3)])).toBe(19);
  });

  test("a generator's values arrive one by one", async () => {
    const values: number[] = [];
    for await (const value of remote(Counter).remote().upTo.remote(5)) values.push(value);
    expect(values).toEqual([1, 2, 3, 4, 5]);
  });

  test("tasks run, take results of tasks, and may wait for tasks of their own", async () => {
    expect(await remote(add).remote(1, remote(add).remote(2, 3))).toBe(6);
    expect(await remote(fibonacci).remote(4)).toBe(3);
  });

  test("a leased GPU is what the actor's process sees", async () => {
    const [one, two] = [
      remote(Counter).options({ numGpus: 1 }).remote(),
      remote(Counter).options({ numGpus: 1 }).remote(),
    ];
    const seen = await get([one.gpus.remote(), two.gpus.remote()]);
    expect(new Set(seen.map(({ variable }) => variable))).toEqual(new Set(["0", "1"]));
    for (const { ids, variable } of seen) expect(ids).toEqual([variable]);
  });

  test("a named actor is found, a killed one is dead", async () => {
    const counter = remote(Counter).options({ name: "hits" }).remote();
    expect(await (await getActor<Counter>("hits")).add.remote(2)).toBe(2);
    await kill(counter);
    await expect(get(counter.add.remote(1))).rejects.toThrow(ActorDiedError);
  });

  test("an actor whose process ends is made again, as often as it may be", async () => {
    const counter = remote(Counter).options({ maxRestarts: 1, maxTaskRetries: 0 }).remote(7);
    const first = await counter.pid.remote();
    await expect(get(counter.crash.remote())).rejects.toThrow(/restarting/);
    expect(await counter.add.remote(1)).toBe(8);
    expect(await counter.pid.remote()).not.toBe(first);
    await expect(get(counter.crash.remote())).rejects.toThrow(/exit code 3/);
  });

  test("a placement group reserves its bundles together, and gives them back", async () => {
    const group = placementGroup([{ CPU: 1 }, { CPU: 2 }], { strategy: "STRICT_SPREAD" });
    expect(await group.ready()).toBe(true);
    await removePlacementGroup(group);
  });

  test("an actor ends with its last handle", async () => {
    {
      using counter = remote(Counter).options({ name: "short-lived" }).remote();
      await counter.add.remote(1);
    }
    await eventually(listActors, (actors) => actors.find(({ name }) => name === "short-lived")?.state === "DEAD");
  });
});
