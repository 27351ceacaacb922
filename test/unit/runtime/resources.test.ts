import { expect, test } from "vitest";
import {
  ActorPlacementGroupRemoved,
  ActorUnschedulableError,
  availableResources,
  clusterResources,
  get,
  getGpuIds,
  kill,
  nodes,
  PlacementGroupUnschedulableError,
  pendingReasons,
  placementGroup,
  placementGroupTable,
  RuntimeEnvSetupError,
  remote,
  removePlacementGroup,
  TaskUnschedulableError,
} from "../../../runtime/index.ts";
import { deferred, inBothModes } from "./both-modes.ts";

class Gpus {
  ids() {
    return getGpuIds();
  }
}

const node = { numCpus: 2, numGpus: 4, resources: { slot: 1 }, labels: { zone: "a" } };

inBothModes(
  "resources",
  () => {
    test("an actor without resources needs one CPU to be placed and none to live", async () => {
      const actors = Array.from({ length: 8 }, () => remote(Gpus).remote());
      await get(actors.map((actor) => actor.__ray_ready__.remote()));
      expect((await availableResources())["CPU"]).toBe(2);
      const holder = remote(Gpus).options({ numCpus: 2 }).remote();
      await holder.__ray_ready__.remote();
      expect((await availableResources())["CPU"]).toBe(0);
      const late = remote(Gpus).remote();
      expect(await pendingReasons()).toMatchObject([
        { kind: "actor", name: "Gpus", reasons: [/CPU: 1 asked for, 0 of 2 free/] },
      ]);
      await kill(holder);
      expect(await late.ids.remote()).toEqual([]);
    });

    test("GPU ids are leased exactly and come back when the actor ends", async () => {
      const two = remote(Gpus).options({ numGpus: 2, numCpus: 0 }).remote();
      const one = remote(Gpus).options({ numGpus: 1, numCpus: 0 }).remote();
      expect([...(await two.ids.remote()), ...(await one.ids.remote())]).toEqual(["0", "1", "2"]);
      const waits = remote(Gpus).options({ numGpus: 2, numCpus: 0 }).remote();
      expect((await pendingReasons())[0]?.reasons[0]).toMatch(/GPU: 2 asked for, 1 of 4 free/);
      await kill(two);
      expect(await waits.ids.remote()).toEqual(["0", "1"]);
    });

    test("shares below one use one device together, and no more than it has", async () => {
      const quarter = () => remote(Gpus).options({ numGpus: 0.25, numCpus: 0 }).remote();
      const ids = await get([1, 2, 3, 4, 5].map(() => quarter().ids.remote()));
      expect(ids.flat()).toEqual(["0", "0", "0", "0", "1"]);
      expect((await availableResources())["GPU"]).toBe(2.75);
    });

    test("a request that can never fit fails at once and says why", async () => {
      const big = remote(Gpus).options({ numGpus: 5 }).remote();
      await expect(get(big.ids.remote())).rejects.toThrow(/GPU: 5 asked for, it has 4/);
      await expect(get(big.ids.remote())).rejects.toThrow(ActorUnschedulableError);
      const task = remote(() => 1).options({ resources: { moon: 1 } });
      await expect(get(task.remote())).rejects.toThrow(TaskUnschedulableError);
      const labelled = remote(() => 1).options({ labelSelector: { zone: "!in(a,b)" } });
      await expect(get(labelled.remote())).rejects.toThrow(/label zone is "a"/);
      expect(
        await remote(() => 1)
          .options({ labelSelector: { zone: "in(a,b)" } })
          .remote(),
      ).toBe(1);
    });

    test("tasks wait for CPUs; one that waits for another lends its own", async () => {
      const inner = remote(() => 1).options({ numCpus: 2 });
      const outer = remote(async () => (await inner.remote()) + 1).options({ numCpus: 2 });
      expect(await outer.remote()).toBe(2);
      const gate = deferred<number>();
      const holds = remote(() => gate.promise).options({ resources: { slot: 1 } });
      const [first, second] = [holds.remote(), holds.remote()];
      await new Promise((resolve) => setImmediate(resolve));
      expect((await pendingReasons())[0]?.reasons[0]).toMatch(/slot: 1 asked for, 0 of 1 free/);
      gate.resolve(3);
      expect(await get([first, second])).toEqual([3, 3]);
      expect((await availableResources())["CPU"]).toBe(2);
    });

    test("the node shows its resources, labels and what Ray adds", async () => {
      expect(await clusterResources()).toMatchObject({ CPU: 2, GPU: 4, slot: 1, "node:__internal_head__": 1 });
      const [only] = await nodes();
      expect(only).toMatchObject({
        alive: true,
        gpuIds: ["0", "1", "2", "3"],
        labels: { zone: "a", "ray.io/node-id": only?.nodeId },
      });
    });

    test("an environment that this process does not have is refused", async () => {
      const actor = remote(Gpus)
        .options({ runtimeEnv: { envVars: { NOT_SET_HERE: "1" } } })
        .remote();
      await expect(get(actor.ids.remote())).rejects.toThrow(RuntimeEnvSetupError);
    });
  },
  node,
);

inBothModes(
  "placement groups",
  () => {
    test("bundles are reserved together; actors in one bundle lease from it", async () => {
      const group = placementGroup([{ GPU: 1 }, { CPU: 1, GPU: 2 }], { strategy: "PACK", name: "pair" });
      expect(await group.ready()).toBe(true);
      expect(await availableResources()).toMatchObject({ CPU: 1, GPU: 1 });
      const at = (bundleIndex: number, numGpus: number) =>
        remote(Gpus)
          .options({ numCpus: 0, numGpus, schedulingStrategy: { placementGroup: group, bundleIndex } })
          .remote();
      const halves = [at(0, 0.5), at(0, 0.5)];
      const [a, b] = await get(halves.map((actor) => actor.ids.remote()));
      expect(a).toEqual(b);
      expect(await at(1, 2).ids.remote()).toHaveLength(2);
      at(0, 0.5);
      expect((await pendingReasons())[0]?.reasons).toEqual([
        expect.stringMatching(/bundle 0: GPU: 0.5 asked for, 0 of 1 free/),
      ]);
    });

    test("an actor with shareGpus sees all ids of its bundle beside the one that leases them", async () => {
      const group = placementGroup([{ GPU: 2 }]);
      const schedulingStrategy = { placementGroup: group, bundleIndex: 0 };
      const engine = remote(Gpus).options({ numCpus: 0, numGpus: 2, schedulingStrategy }).remote();
      const learner = remote(Gpus)
        .options({ numCpus: 0, schedulingStrategy: { ...schedulingStrategy, shareGpus: true } })
        .remote();
      expect(await learner.ids.remote()).toEqual(await engine.ids.remote());
    });

    test("a group that has to wait says why and is made when there is room", async () => {
      const holder = remote(Gpus).options({ numGpus: 3 }).remote();
      await holder.__ray_ready__.remote();
      const group = placementGroup([{ GPU: 2 }]);
      expect(await group.wait(0)).toBe(false);
      expect((await placementGroupTable())[0]).toMatchObject({
        state: "PENDING",
        pendingReasons: [/bundle 0: .*GPU: 2 asked for, 1 of 4 free/],
      });
      await kill(holder);
      expect(await group.wait(1000)).toBe(true);
      expect((await placementGroupTable())[0]?.bundles[0]?.gpuIds).toHaveLength(2);
    });

    test("STRICT_SPREAD over more bundles than there are nodes can never be and says so", async () => {
      const group = placementGroup([{ CPU: 1 }, { CPU: 1 }], { strategy: "STRICT_SPREAD" });
      await expect(get(group.ready())).rejects.toThrow(PlacementGroupUnschedulableError);
      await expect(get(group.ready())).rejects.toThrow(/STRICT_SPREAD needs a node for each, and there are 1 nodes/);
      expect((await placementGroupTable())[0]?.state).toBe("INFEASIBLE");
      expect(await placementGroup([{ CPU: 1 }, { CPU: 1 }], { strategy: "SPREAD" }).ready()).toBe(true);
    });

    test("removing a group ends its actors and gives everything back", async () => {
      const group = placementGroup([{ CPU: 2 }]);
      const actor = remote(Gpus)
        .options({ numCpus: 1, schedulingStrategy: { placementGroup: group } })
        .remote();
      await actor.__ray_ready__.remote();
      await removePlacementGroup(group);
      await expect(get(actor.ids.remote())).rejects.toThrow(ActorPlacementGroupRemoved);
      expect((await availableResources())["CPU"]).toBe(2);
      expect((await placementGroupTable())[0]?.state).toBe("REMOVED");
    });
  },
  node,
);
