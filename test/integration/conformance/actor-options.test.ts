import { expect, test } from "vitest";
import { type ActorOptions, get, kill, nodes, remote } from "../../../runtime/index.ts";
import { actorsOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Gated } from "../../fixtures/remote/actors.ts";
import { Mortal } from "../../fixtures/remote/mortals.ts";

onEveryRuntime(
  "actor options",
  (place) => {
    test("all of them together make an actor, and are seen in its row", async () => {
      const options: ActorOptions = {
        numCpus: 0.5,
        numGpus: 0.5,
        memory: 1 << 20,
        resources: { slot: 0.0001 },
        acceleratorType: "A100",
        labelSelector: { zone: "in(a,b)" },
        schedulingStrategy: { nodeId: (await nodes())[0]?.nodeId ?? "" },
        runtimeEnv: {},
        name: `all-${place.namespace}`,
        namespace: "shop",
        lifetime: "detached",
        getIfExists: true,
        maxRestarts: 2,
        maxTaskRetries: -1,
        retryExceptions: [RangeError],
        maxPendingCalls: 100,
        maxConcurrency: 2,
        concurrencyGroups: { io: 3 },
        allowOutOfOrderExecution: true,
      };
      const actor = remote(Gated).options(options).remote();
      expect(await actor.quick.remote()).toBe("quick");
      const [row] = await actorsOf(`all-${place.namespace}`);
      expect(row).toMatchObject({
        rayNamespace: "shop",
        isDetached: true,
        labelSelector: { zone: "in(a,b)" },
        requiredResources: { CPU: 0.5, GPU: 0.5, memory: 1 << 20, slot: 0.0001, "accelerator_type:A100": 0.001 },
        gpuIds: ["0"],
        fallbackStrategy: null,
      });
      await kill(actor);
    });

    test("options of a class hold for all its actors, later ones go before earlier ones", async () => {
      const Small = remote(Mortal).options({ numCpus: 0.5, name: "small" });
      const [a, b] = [Small.remote(1), Small.options({ name: "other" }).remote(2)];
      expect(await get([a.start.remote(), b.start.remote()])).toEqual([1, 2]);
      expect((await actorsOf("Mortal")).map(({ name }) => name).sort()).toEqual(["other", "small"]);
    });
  },
  { nodes: [{ cpus: 2, gpus: 1, resources: { slot: 1, "accelerator_type:A100": 1 }, labels: "zone=a" }] },
);
