import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type ActorHandle, ActorUnavailableError, get, nodes, remote } from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { FaultCluster } from "../../fixtures/fault-cluster.ts";
import { Network } from "../../fixtures/network.ts";
import { Steady } from "../../fixtures/remote/steady.ts";

const one = { cpus: 4, gpus: 2 };
const caught = (promise: PromiseLike<unknown>) => Promise.resolve(promise).catch((error: unknown) => error);

describe.skipIf(!Network.available)("a head and two workers on machines of their own, and a network that fails", () => {
  let cluster: FaultCluster;
  afterEach(() => cluster.close());

  test("a network that is away for 20 s: actors keep their state, calls are answered after it, nothing runs twice", async () => {
    cluster = await FaultCluster.start({ nodes: [one, one], apart: true, silenceSeconds: 60 });
    const [near, far] = [0, 1].map((index) =>
      remote(Steady)
        .options({ numCpus: 0, numGpus: 1, resources: { [`node${index}`]: 1 }, maxRestarts: 0 })
        .remote(),
    ) as [ActorHandle<Steady>, ActorHandle<Steady>];
    await get([near.see.remote(0), far.see.remote(0)]);
    const inFlight = far.seeSlowly.remote(1, 500);
    const between = near.askSlowly.remote(far, 2, 500);
    await eventually(
      async () => (await far.started.remote()).length,
      (count) => count === 2,
    );

    cluster.cutNetwork(1);
    const sent = Array.from({ length: 20 }, (_, n) => far.see.remote(10 + n));
    expect(await near.see.remote(5)).toBe(5);
    await sleep(20_000);
    cluster.restoreNetwork(1);
    const restoredAt = performance.now();
    expect(await get([inFlight, between])).toEqual([1, 2]);
    expect(await get(sent)).toEqual(Array.from({ length: 20 }, (_, n) => 10 + n));
    expect(performance.now() - restoredAt).toBeLessThan(10_000);
    expect((await far.seen.remote()).toSorted((a, b) => a - b)).toEqual([
      0,
      1,
      2,
      ...Array.from({ length: 20 }, (_, n) => 10 + n),
    ]);
    expect((await nodes()).every(({ alive }) => alive)).toBe(true);
    await cluster.accountFor();
  });

  test("a network that stays away: the node is dead after the silence limit, and ends when it comes back", async () => {
    cluster = await FaultCluster.start({ nodes: [one, one], apart: true, silenceSeconds: 4 });
    const nodeId = cluster.nodeId(1);
    const [again, never] = [-1, 0].map((maxRestarts) =>
      remote(Steady)
        .options({ numCpus: 0, numGpus: 1, maxRestarts, schedulingStrategy: { nodeId, soft: true }, maxTaskRetries: 0 })
        .remote(),
    ) as [ActorHandle<Steady>, ActorHandle<Steady>];
    await get([again.see.remote(1), never.see.remote(1)]);
    cluster.cutNetwork(1);
    const cutAt = performance.now();
    const [lost, dead] = await Promise.all([caught(again.see.remote(2)), caught(never.see.remote(2))]);
    // Its silence is noticed within 10 s, then comes the limit.
    expect(performance.now() - cutAt).toBeLessThan(20_000);
    expect(lost).toBeInstanceOf(ActorUnavailableError);
    expect(dead).toMatchObject({ code: "ACTOR_DIED", message: expect.stringMatching(/its node .* is dead/) });
    expect(await again.see.remote(3)).toBe(3);
    expect((await nodes()).find((node) => node.nodeId === nodeId)?.alive).toBe(false);
    expect(cluster.hostsOf(nodeId).length).toBeGreaterThan(0);

    cluster.restoreNetwork(1);
    await eventually(
      () => cluster.node(1).running,
      (running) => !running,
    );
    expect(cluster.node(1).output).toMatch(/was declared dead .* must not come back/);
    expect(cluster.hostsOf(nodeId)).toEqual([]);
    await cluster.accountFor();
  });

  test("a node declared dead does not get in by a head that was started again", async () => {
    cluster = await FaultCluster.start({ nodes: [one, one], apart: true, silenceSeconds: 5 });
    const nodeId = cluster.nodeId(1);
    const actor = remote(Steady)
      .options({ maxRestarts: -1, maxTaskRetries: -1, schedulingStrategy: { nodeId, soft: true } })
      .remote();
    await actor.see.remote(1);
    cluster.cutNetwork(1);
    expect(await actor.see.remote(2)).toBe(2);
    await cluster.restartHead();
    cluster.restoreNetwork(1);
    await eventually(
      () => cluster.node(1).running,
      (running) => !running,
    );
    expect(cluster.hostsOf(nodeId)).toEqual([]);
    expect(await actor.seen.remote()).toEqual([2]);
    await cluster.accountFor();
  });
});
