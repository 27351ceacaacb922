import { expect, test } from "vitest";
import {
  ActorUnschedulableError,
  availableResources,
  clusterResources,
  get,
  kill,
  nodes,
  pendingReasons,
  remote,
  TaskUnschedulableError,
} from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { actorsOf, failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Surroundings } from "../../fixtures/remote/surroundings.ts";
import { gated, nodeId, parentOf, pid } from "../../fixtures/remote/tasks.ts";

const node = { cpus: 2, resources: { slot: 1, "accelerator_type:H100": 1 }, labels: "zone=a", warmHosts: 2 };

onEveryRuntime(
  "resources and labels",
  (place) => {
    test("an actor without resources needs one CPU to be placed and none to live", async () => {
      const actors = Array.from({ length: 3 }, () => remote(Surroundings).remote());
      await get(actors.map((actor) => actor.__ray_ready__.remote()));
      expect(await (actors[0] as (typeof actors)[0]).resources.remote()).toEqual({});
      expect((await availableResources())["CPU"]).toBe(2);
      const holder = remote(Surroundings).options({ numCpus: 2 }).remote();
      expect(await holder.resources.remote()).toEqual({ CPU: 2 });
      expect((await availableResources())["CPU"]).toBe(0);
      const late = remote(Surroundings).remote();
      const [waiting] = await eventually(pendingReasons, (all) => all.length === 1);
      expect(waiting).toMatchObject({
        kind: "actor",
        name: "Surroundings",
        reasons: [/CPU: 1 asked for, 0 of 2 free/],
      });
      await kill(holder);
      await late.pid.remote();
    });

    test("fractions are exact to 0.0001, memory is in bytes", async () => {
      const options = { numCpus: 0.1, resources: { slot: 0.3333 }, memory: 1024 };
      const actors = [1, 2].map(() => remote(Surroundings).options(options).remote());
      await get(actors.map((actor) => actor.pid.remote()));
      const { CPU, slot } = await availableResources();
      expect([CPU, slot]).toEqual([1.8, 0.3334]);
      expect((await actorsOf("Surroundings"))[0]?.requiredResources).toEqual({ CPU: 0.1, slot: 0.3333, memory: 1024 });
    });

    test("tasks wait for resources; one that waits for another lends its CPUs", async () => {
      const { facts } = place;
      const parent = remote(parentOf).options({ numCpus: 2 }).remote(facts.folder, "child");
      await facts.until("child begun");
      facts.tell("child go");
      expect(await parent).toBe("child");
      const holds = remote(gated).options({ resources: { slot: 1 }, numCpus: 0 });
      const refs = ["one", "two"].map((name) => holds.remote(facts.folder, name));
      const [waiting] = await eventually(pendingReasons, (all) => all.length === 1);
      expect(waiting?.reasons[0]).toMatch(/slot: 1 asked for, 0 of 1 free/);
      facts.tell("one go");
      facts.tell("two go");
      expect(await get(refs)).toEqual(["one", "two"]);
    });

    test("labels choose the node: v, !v, in(…), !in(…)", async () => {
      for (const zone of ["a", "!b", "in(a,b)", "!in(b,c)"]) {
        expect(await remote(pid).options({ labelSelector: { zone } }).remote()).toBeTypeOf("number");
      }
      const [only] = await nodes();
      const { labels } = only as NonNullable<typeof only>;
      expect(labels).toMatchObject({ zone: "a", "ray.io/node-id": only?.nodeId });
      const hard = { labels: { hard: { zone: "a" }, soft: { zone: "c" } } };
      expect(await remote(nodeId).options({ schedulingStrategy: hard }).remote()).toBe(only?.nodeId);
    });

    test("acceleratorType asks for 0.001 of a resource of that name", async () => {
      const actor = remote(Surroundings).options({ numCpus: 0, acceleratorType: "H100" }).remote();
      expect(await actor.resources.remote()).toEqual({ "accelerator_type:H100": 0.001 });
      expect((await availableResources())["accelerator_type:H100"]).toBe(0.999);
    });

    test("the cluster's resources are its nodes', with those that Ray adds", async () => {
      expect(await clusterResources()).toMatchObject({ CPU: 2, slot: 1, "node:__internal_head__": 1 });
      const [only] = await nodes();
      expect(only?.alive).toBe(true);
      expect(Object.keys(only?.resources ?? {})).toContain(`node:${only?.nodeManagerAddress}`);
    });

    test("a node that is named takes it; one that is not there does not, unless softly", async () => {
      const [only] = await nodes();
      const at = (id: string, soft: boolean) => remote(nodeId).options({ schedulingStrategy: { nodeId: id, soft } });
      expect(await at(only?.nodeId ?? "", false).remote()).toBe(only?.nodeId);
      expect(await at("nowhere", true).remote()).toBe(only?.nodeId);
    });
  },
  { nodes: [node] },
);

onEveryRuntime(
  "requests that can never fit, in one process",
  () => {
    test("fail at once and say why", async () => {
      const big = remote(Surroundings).options({ numCpus: 5 }).remote();
      const error = await failureOf(get(big.pid.remote()));
      expect(error).toBeInstanceOf(ActorUnschedulableError);
      expect(error.message).toMatch(/CPU: 5 asked for, it has 2/);
      const task = remote(pid).options({ resources: { moon: 1 } });
      expect(await failureOf(task.remote())).toBeInstanceOf(TaskUnschedulableError);
      const labelled = remote(pid).options({ labelSelector: { zone: "!in(a,b)" } });
      await expect(get(labelled.remote())).rejects.toThrow(/label zone is "a"/);
    });
  },
  { nodes: [node], modes: ["local", "wire"] },
);

onEveryRuntime(
  "several nodes",
  (place) => {
    test("a request that no node can take waits with its reasons, and starts when one joins that can", async () => {
      const actor = remote(Surroundings)
        .options({ resources: { moon: 1 } })
        .remote();
      const task = remote(nodeId)
        .options({ labelSelector: { zone: "c" } })
        .remote();
      const waiting = await eventually(pendingReasons, (all) => all.length === 2);
      expect(waiting.find(({ kind }) => kind === "actor")?.reasons).toEqual([
        expect.stringMatching(/moon: 1 asked for, it has 0/),
        expect.stringMatching(/moon: 1 asked for, it has 0/),
      ]);
      expect(waiting.find(({ kind }) => kind === "task")?.reasons[0]).toMatch(/label zone is "a"/);
      const joined = await place.cluster.addNode({ cpus: 2, labels: "zone=c", resources: { moon: 1 }, warmHosts: 1 });
      expect(await task).toBe(await actor.node.remote());
      await kill(actor);
      await joined.signal("SIGTERM");
      await eventually(nodes, (all) => all.filter(({ alive }) => alive).length === 2);
    });

    test("SPREAD uses the least used node, labels and node ids the one they name", async () => {
      const spread = { numCpus: 1, schedulingStrategy: "SPREAD" } as const;
      const actors = [1, 2].map(() => remote(Surroundings).options(spread).remote());
      const used = await get(actors.map((actor) => actor.node.remote()));
      expect(new Set(used).size).toBe(2);
      const b = (await nodes()).find(({ labels }) => labels["zone"] === "b")?.nodeId;
      for (const options of [
        { labelSelector: { zone: "b" } },
        { labelSelector: { zone: "!a" } },
        { labelSelector: { zone: "!in(a,c)" } },
        { schedulingStrategy: { nodeId: b ?? "" } },
        { schedulingStrategy: { labels: { soft: { zone: "b" } } } },
      ]) {
        expect(
          await remote(nodeId)
            .options({ ...options, numCpus: 0 })
            .remote(),
        ).toBe(b);
      }
    });

    test("a soft node that is full is passed over, a hard one is waited for", async () => {
      const [a] = await nodes();
      const at = (soft: boolean) => ({ numCpus: 2, schedulingStrategy: { nodeId: a?.nodeId ?? "", soft } });
      const holder = remote(Surroundings).options(at(false)).remote();
      expect(await holder.node.remote()).toBe(a?.nodeId);
      const soft = remote(Surroundings).options(at(true)).remote();
      expect(await soft.node.remote()).not.toBe(a?.nodeId);
      const hard = remote(Surroundings).options(at(false)).remote();
      await eventually(pendingReasons, (all) => all.length === 1);
      await kill(holder);
      expect(await hard.node.remote()).toBe(a?.nodeId);
    });
  },
  {
    modes: ["cluster"],
    nodes: [
      { cpus: 2, labels: "zone=a" },
      { cpus: 2, labels: "zone=b" },
    ],
  },
);
