import { expect, test } from "vitest";
import {
  ActorPlacementGroupRemoved,
  availableResources,
  get,
  kill,
  nodes,
  pendingReasons,
  placementGroup,
  placementGroupTable,
  remote,
  removePlacementGroup,
  TaskPlacementGroupRemoved,
} from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Surroundings } from "../../fixtures/remote/surroundings.ts";
import { gated, nodeId } from "../../fixtures/remote/tasks.ts";

const first = { cpus: 2, gpus: 4, warmHosts: 2 };

async function free(): Promise<{ readonly CPU: number; readonly GPU: number }> {
  const { CPU = 0, GPU = 0 } = await availableResources();
  return { CPU, GPU };
}

onEveryRuntime(
  "placement groups",
  (place) => {
    test("bundles are reserved together; actors in a bundle lease from it and know their group", async () => {
      const group = placementGroup([{ GPU: 1 }, { CPU: 1, GPU: 2 }], { strategy: "PACK", name: "pair" });
      expect(await group.ready()).toBe(true);
      expect(await free()).toEqual({ CPU: 1, GPU: 1 });
      const at = (bundleIndex: number, numGpus: number) =>
        remote(Surroundings)
          .options({ numCpus: 0, numGpus, schedulingStrategy: { placementGroup: group, bundleIndex } })
          .remote();
      const halves = [at(0, 0.5), at(0, 0.5)];
      const [a, b] = await get(halves.map((actor) => actor.leased.remote()));
      expect(a).toEqual(b);
      const pair = at(1, 2);
      expect(await pair.leased.remote()).toHaveLength(2);
      expect(await pair.groupId.remote()).toBe(group.id);
      at(0, 0.5);
      const [pending] = await eventually(pendingReasons, (all) => all.length === 1);
      expect(pending?.reasons).toEqual([expect.stringMatching(/bundle 0: GPU: 0.5 asked for, 0 of 1 free/)]);
      expect(await free()).toEqual({ CPU: 1, GPU: 1 });
    });

    test("bundle index -1, the default, is any bundle with room", async () => {
      const group = placementGroup([{ CPU: 1 }, { CPU: 1 }]);
      const options = { numCpus: 1, schedulingStrategy: { placementGroup: group } };
      const actors = [1, 2].map(() => remote(Surroundings).options(options).remote());
      expect(await get(actors.map((actor) => actor.groupId.remote()))).toEqual([group.id, group.id]);
    });

    test("an actor with shareGpus sees all ids of its bundle beside the one that leases them", async () => {
      const group = placementGroup([{ GPU: 2 }]);
      const schedulingStrategy = { placementGroup: group, bundleIndex: 0 };
      const engine = remote(Surroundings).options({ numCpus: 0, numGpus: 2, schedulingStrategy }).remote();
      const shared = { ...schedulingStrategy, shareGpus: true };
      const learner = remote(Surroundings).options({ numCpus: 0, schedulingStrategy: shared }).remote();
      expect(await learner.leased.remote()).toEqual(await engine.leased.remote());
    });

    test("a group that has to wait says why; its ready() and wait() tell when it is made", async () => {
      const holder = remote(Surroundings).options({ numGpus: 3 }).remote();
      await holder.pid.remote();
      const group = placementGroup([{ GPU: 2 }]);
      expect(await group.wait(0)).toBe(false);
      const mine = async () =>
        (await placementGroupTable()).find(({ placementGroupId }) => placementGroupId === group.id);
      expect(await eventually(mine, (row) => (row?.pendingReasons.length ?? 0) > 0)).toMatchObject({
        state: "PENDING",
        pendingReasons: [/bundle 0: .*GPU: 2 asked for, 1 of 4 free/],
      });
      const inside = remote(Surroundings)
        .options({ numCpus: 0, schedulingStrategy: { placementGroup: group } })
        .remote();
      const node = inside.node.remote();
      await kill(holder);
      expect(await group.wait(10_000)).toBe(true);
      const row = await mine();
      expect(row).toMatchObject({ state: "CREATED", pendingReasons: [] });
      expect(row?.bundles[0]?.gpuIds).toHaveLength(2);
      expect(row?.bundles[0]?.nodeId).toBe(await node);
    });

    test("removing a group ends its actors and tasks, and gives everything back", async () => {
      const group = placementGroup([{ CPU: 1 }, { CPU: 1 }]);
      const options = { numCpus: 1, schedulingStrategy: { placementGroup: group } };
      const actor = remote(Surroundings).options(options).remote();
      await actor.pid.remote();
      const task = remote(gated).options(options);
      const running = failureOf(task.remote(place.facts.folder, "inside"));
      await place.facts.until("inside begun");
      const queued = failureOf(task.remote(place.facts.folder, "queued"));
      await removePlacementGroup(group);
      expect(await failureOf(actor.pid.remote())).toBeInstanceOf(ActorPlacementGroupRemoved);
      expect(await queued).toBeInstanceOf(TaskPlacementGroupRemoved);
      if (place.mode === "cluster") expect(await running).toBeInstanceOf(TaskPlacementGroupRemoved);
      place.facts.tell("inside go");
      expect(await failureOf(remote(nodeId).options(options).remote())).toBeInstanceOf(TaskPlacementGroupRemoved);
      expect((await free()).CPU).toBe(2);
      const rows = await placementGroupTable();
      expect(rows.find(({ placementGroupId }) => placementGroupId === group.id)?.state).toBe("REMOVED");
      if (place.mode !== "cluster") await running.catch(() => {});
    });

    test("strategies and bundles that cannot be are refused", () => {
      expect(() => placementGroup([])).toThrow(/at least one bundle/);
      expect(() => placementGroup([{ CPU: 1 }], { strategy: "ANY" as "PACK" })).toThrow(/PACK, SPREAD/);
      expect(() => placementGroup([{ CPU: 0 }])).toThrow(/at least one resource above 0/);
    });
  },
  { nodes: [first] },
);

onEveryRuntime(
  "placement strategies over nodes",
  (place) => {
    const nodesOf = async (strategy: "PACK" | "SPREAD" | "STRICT_PACK" | "STRICT_SPREAD", count: number, cpus = 1) => {
      const group = placementGroup(Array(count).fill({ CPU: cpus }), { strategy });
      await group.ready();
      const rows = await placementGroupTable();
      const row = rows.find(({ placementGroupId }) => placementGroupId === group.id);
      const used = new Set(row?.bundles.map((bundle) => bundle.nodeId)).size;
      await removePlacementGroup(group);
      return used;
    };

    test("PACK uses few nodes, SPREAD many, the strict ones exactly one and one for each", async () => {
      expect(await nodesOf("PACK", 2)).toBe(1);
      expect(await nodesOf("PACK", 2, 2)).toBe(2);
      expect(await nodesOf("SPREAD", 2)).toBe(2);
      expect(await nodesOf("SPREAD", 4)).toBe(2);
      expect(await nodesOf("STRICT_PACK", 2)).toBe(1);
      expect(await nodesOf("STRICT_SPREAD", 2)).toBe(2);
    });

    test("what the nodes cannot hold waits with the reason, and is made when a node joins", async () => {
      const group = placementGroup([{ CPU: 1 }, { CPU: 1 }, { CPU: 1 }], { strategy: "STRICT_SPREAD" });
      const waiting = await eventually(pendingReasons, (all) => all.length === 1);
      expect(waiting[0]).toMatchObject({ kind: "placementGroup", reasons: [/a node for each, and there are 2 nodes/] });
      const node = await place.cluster.addNode({ cpus: 1, warmHosts: 0 });
      expect(await group.wait(20_000)).toBe(true);
      await removePlacementGroup(group);
      await node.signal("SIGTERM");
      await eventually(nodes, (all) => all.filter(({ alive }) => alive).length === 2);
    });

    test("a bundle may ask for a label", async () => {
      const group = placementGroup([{ CPU: 1 }], { bundleLabelSelector: [{ zone: "b" }] });
      const task = remote(nodeId).options({ schedulingStrategy: { placementGroup: group } });
      const b = (await nodes()).find(({ labels }) => labels["zone"] === "b");
      expect(await task.remote()).toBe(b?.nodeId);
    });
  },
  {
    modes: ["cluster"],
    nodes: [
      { cpus: 2, warmHosts: 1 },
      { cpus: 2, labels: "zone=b", warmHosts: 1 },
    ],
  },
);
