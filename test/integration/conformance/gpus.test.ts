import { expect, test } from "vitest";
import { availableResources, get, kill, pendingReasons, remote } from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { onEveryRuntime } from "../../fixtures/conformance.ts";
import { Surroundings } from "../../fixtures/remote/surroundings.ts";

onEveryRuntime(
  "GPUs",
  () => {
    test("ids are leased exactly and come back when the actor ends", async () => {
      const two = remote(Surroundings).options({ numGpus: 2, numCpus: 0 }).remote();
      const one = remote(Surroundings).options({ numGpus: 1, numCpus: 0 }).remote();
      expect([...(await two.leased.remote()), ...(await one.leased.remote())].sort()).toEqual(["0", "1", "2"]);
      const waits = remote(Surroundings).options({ numGpus: 2, numCpus: 0 }).remote();
      const [pending] = await eventually(pendingReasons, (all) => all.length === 1);
      expect(pending?.reasons[0]).toMatch(/GPU: 2 asked for, 1 of 4 free/);
      await kill(two);
      expect(await waits.leased.remote()).toHaveLength(2);
    });

    test("shares below one use one device together, and no more than it has; above one they are whole", async () => {
      const quarter = () => remote(Surroundings).options({ numGpus: 0.25, numCpus: 0 }).remote();
      const actors = [1, 2, 3, 4, 5].map(quarter);
      const ids = (await get(actors.map((actor) => actor.leased.remote()))).flat();
      const counts = [...new Set(ids)].map((id) => ids.filter((one) => one === id).length);
      expect(counts.sort()).toEqual([1, 4]);
      expect((await availableResources())["GPU"]).toBe(2.75);
      expect(() => remote(Surroundings).options({ numGpus: 1.5 })).toThrow(/whole number/);
    });
  },
  { nodes: [{ cpus: 2, gpus: 4, warmHosts: 3 }] },
);

onEveryRuntime(
  "what an actor's process sees of GPUs",
  (place) => {
    test("CUDA_VISIBLE_DEVICES holds the leased ids, in the actor and in a task", async () => {
      const actor = remote(Surroundings).options({ numGpus: 2 }).remote();
      const { ids, variable } = await actor.gpus.remote();
      expect(ids).toHaveLength(2);
      expect(variable).toBe(ids.join(","));
    });

    test("without GPUs it is left as the node has it; RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO empties it", async () => {
      expect((await remote(Surroundings).remote().gpus.remote()).variable).toBe("GPU-aaa,GPU-bbb");
      const old = { envVars: { RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO: "1" } };
      expect((await remote(Surroundings).options({ runtimeEnv: old }).remote().gpus.remote()).variable).toBe("");
    });

    test("RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES leaves it alone though GPUs are leased", async () => {
      const runtimeEnv = { envVars: { RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES: "1" } };
      const seen = await remote(Surroundings).options({ numGpus: 1, runtimeEnv }).remote().gpus.remote();
      expect(seen.variable).toBe("GPU-aaa,GPU-bbb");
      expect(seen.ids).toEqual(["GPU-aaa"]);
    });

    test("a node that was given ids by CUDA_VISIBLE_DEVICES leases those", async () => {
      const actor = remote(Surroundings).options({ numGpus: 1 }).remote();
      expect(await actor.gpus.remote()).toEqual({ ids: ["GPU-aaa"], variable: "GPU-aaa" });
      expect(place.mode).toBe("cluster");
    });
  },
  { modes: ["cluster"], nodes: [{ cpus: 2, gpus: 2, env: { CUDA_VISIBLE_DEVICES: "GPU-aaa,GPU-bbb" } }] },
);
