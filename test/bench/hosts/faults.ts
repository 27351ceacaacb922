/** What goes wrong in a run, each at its time; `at` is a share of the run's steps. Each says what it did. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostsCluster } from "./hosts-cluster.ts";

export interface Fault {
  /** Does it; what is given back is what happened, for the table. */
  act(cluster: HostsCluster): Promise<string>;
  /** Mends after the run what the fault left broken, so that everything can be accounted for. */
  after?(cluster: HostsCluster): Promise<void>;
}

const CUT_SECONDS = 20;
const HEAD_AWAY_SECONDS = 3;
const BAD_WIRE_SECONDS = 30;

/** The worker on which the actor of this class runs; throws where there is none. */
async function workerOf(cluster: HostsCluster, className: string): Promise<{ worker: number; pid: number }> {
  const [actor] = await cluster.actors(className);
  if (actor === undefined || actor.pid === null) throw new Error(`hosts: no ${className} runs`);
  return { worker: actor.worker, pid: actor.pid };
}

/** Which actors run on a worker, for the table. */
async function crewOf(cluster: HostsCluster, worker: number): Promise<string> {
  const names = ["TuningJob", "LearnerActor", "InferenceActor", "RolloutActor", "JudgeActor"];
  const there = await Promise.all(names.map(async (name) => [name, await cluster.actors(name)] as const));
  return there.flatMap(([name, actors]) => (actors.some((actor) => actor.worker === worker) ? [name] : [])).join(", ");
}

async function killWorkerOf(cluster: HostsCluster, className: string): Promise<string> {
  const { worker } = await workerOf(cluster, className);
  const crew = await crewOf(cluster, worker);
  await cluster.workers[worker]?.signal("SIGKILL");
  return `worker with ${crew} killed`;
}

async function cutOff(cluster: HostsCluster, className: string): Promise<string> {
  const { worker } = await workerOf(cluster, className);
  const crew = await crewOf(cluster, worker);
  cluster.machineOf(worker).host.cut();
  return `worker with ${crew} cut off until the run has ended`;
}

async function mendNetwork(cluster: HostsCluster): Promise<void> {
  for (const machine of cluster.machines) machine.host.restore();
}

/** Processes that a process has started. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(fields[1]) === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function killKernelOf(cluster: HostsCluster, className: string): Promise<string> {
  const { pid } = await workerOf(cluster, className);
  const children = childrenOf(pid);
  if (children.length === 0) throw new Error(`hosts: ${className} has no process of its own`);
  for (const child of children) process.kill(child, "SIGKILL");
  return `the process of ${className} killed`;
}

export const faults: Readonly<Record<string, Fault>> = {
  "worker-killed": { act: (cluster) => killWorkerOf(cluster, "InferenceActor") },
  "learner-worker-killed": { act: (cluster) => killWorkerOf(cluster, "LearnerActor") },
  "job-worker-killed": { act: (cluster) => killWorkerOf(cluster, "TuningJob") },
  "net-cut-20s": {
    async act(cluster) {
      const { worker } = await workerOf(cluster, "InferenceActor");
      const crew = await crewOf(cluster, worker);
      cluster.machineOf(worker).host.cut();
      await sleep(CUT_SECONDS * 1000);
      cluster.machineOf(worker).host.restore();
      return `worker with ${crew} cut off for ${CUT_SECONDS} s`;
    },
  },
  "net-cut": { act: (cluster) => cutOff(cluster, "InferenceActor"), after: mendNetwork },
  "job-net-cut": {
    act: (cluster) => cutOff(cluster, "TuningJob"),
    after: mendNetwork,
  },
  "head-killed": {
    async act(cluster) {
      await cluster.head.signal("SIGKILL");
      await sleep(HEAD_AWAY_SECONDS * 1000);
      await cluster.startHead();
      return `head killed, started again ${HEAD_AWAY_SECONDS} s later`;
    },
  },
  "engine-killed": { act: (cluster) => killKernelOf(cluster, "InferenceActor") },
  "learner-killed": { act: (cluster) => killKernelOf(cluster, "LearnerActor") },
  "bad-wire": {
    async act(cluster) {
      const until = performance.now() + BAD_WIRE_SECONDS * 1000;
      let [broken, held] = [0, 0];
      for (let turn = 0; performance.now() < until; turn++) {
        const machine = cluster.machineOf(turn % 2);
        if (turn % 3 === 2) {
          machine.host.cut();
          await sleep(200 + 800 * Math.random());
          machine.host.restore();
          held++;
        } else {
          machine.breakConnections();
          broken++;
        }
        await sleep(1000 * Math.random());
      }
      return `for ${BAD_WIRE_SECONDS} s all connections of a worker broken ${broken} times, and held up ${held} times`;
    },
  },
};
