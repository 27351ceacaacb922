import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { ActorDiedError, get, init, placementGroup, remote, shutdown } from "../../../runtime/index.ts";
import { isRunning } from "../../../runtime/processes/index.ts";
import { startTicksOf } from "../../../runtime/processes/process-record.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { FaultCluster } from "../../fixtures/fault-cluster.ts";
import { Steady, slowly } from "../../fixtures/remote/steady.ts";

const caught = (promise: PromiseLike<unknown>) => Promise.resolve(promise).catch((error: unknown) => error);

/** Processes whose parent is this one, with their command lines. */
function children(): { readonly pid: number; readonly command: string }[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (parent !== process.pid) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, "utf8") }];
    } catch {
      return [];
    }
  });
}

describe("a head that does not come back", () => {
  let cluster: FaultCluster | undefined;
  afterEach(async () => {
    await cluster?.close();
    await shutdown();
  });

  test("a worker ends itself and all that runs on it", async () => {
    cluster = await FaultCluster.start({ nodes: [{ cpus: 2, gpus: 0 }], headTimeoutSeconds: 2 });
    const nodeId = cluster.nodeId(0);
    const actor = remote(Steady).remote();
    const child = await actor.startChild.remote();
    await cluster.kill(cluster.head);
    const { node, hostsOf } = { node: cluster.node(0), hostsOf: cluster.hostsOf };
    await eventually(
      () => node.running,
      (running) => !running,
    );
    expect(node.child.exitCode).toBe(1);
    expect(node.output).toMatch(/cannot be reached/);
    expect([hostsOf(nodeId), startTicksOf(child)]).toEqual([[], undefined]);
  });

  test("a driver whose own cluster was killed gets errors, and nothing is left of it", async () => {
    cluster = undefined;
    await init({ address: "local", numCpus: 3 });
    const own = children().find(({ command }) => command.includes("standalone/main.js"));
    const actor = remote(Steady).remote();
    const [pid, child] = await get([actor.pid.remote(), actor.startChild.remote()]);
    const records = [pid, child].map((each) => ({
      pid: each,
      startTicks: startTicksOf(each) ?? "",
      name: "",
      leadsGroup: false,
    }));
    const group = placementGroup([{ CPU: 100 }]);
    const waiting = group.ready();
    const task = remote(slowly).options({ numCpus: 1 }).remote(1, 60_000);
    const call = actor.seeSlowly.remote(1, 60_000);
    process.kill(own?.pid ?? 0, "SIGKILL");
    const errors = await Promise.all([call, task, waiting].map(caught));
    errors.push(await caught(actor.see.remote(2)));
    for (const error of errors) {
      expect(error instanceof ActorDiedError || (error as { code?: string }).code === "RAY_SYSTEM").toBe(true);
      expect((error as Error).message).toMatch(/the cluster of this driver has ended \(signal SIGKILL\)/);
    }
    await eventually(
      () => records.filter(isRunning),
      (running) => running.length === 0,
    );
    await shutdown();
    await init({ address: "local", numCpus: 1 });
    expect(await remote(slowly).remote(3, 1)).toBe(3);
  });
});
