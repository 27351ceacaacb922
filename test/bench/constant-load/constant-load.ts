/**
 * A head and two workers under the same load for an hour: what each process takes must not grow. A driver of its own does
 * everything that a driver can, all the time (`load.ts`), and other drivers come and go. The lists of what has ended hold a
 * bounded number; they are filled first, as they are in a cluster that is not new, and the first sixth of the time is not
 * counted.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "../../fixtures/cluster.ts";
import type { BenchOptions, BenchRow } from "../bench.ts";
import { folderMib, ProcessWatch, type Series, watchedEnvironment } from "../watch/process-watch.ts";
import { savePlot } from "../watch/save-plot.ts";
import { fillTables } from "./fill-tables.ts";

const everySeconds = 10;
const flat = 1;
const runner = join(import.meta.dirname, "..", "..", "fixtures", "drivers", "run.js");
const load = join(import.meta.dirname, "load.ts");

/** `--minutes`: of load, 60 by default. `--plot FILE`: where the curves go, as SVG; beside it the samples as JSON. */
export async function constantLoad(options: BenchOptions): Promise<BenchRow[]> {
  const minutes = Number(options.minutes ?? 60);
  const cluster = await Cluster.start();
  try {
    const probes = join(cluster.folder, "probes");
    mkdirSync(probes);
    Object.assign(cluster.env, watchedEnvironment(probes, everySeconds));
    await cluster.head.signal("SIGTERM");
    await cluster.startHead();
    for (let i = 0; i < 2; i += 1) await cluster.addNode({ cpus: 4, gpus: 2, warmHosts: 2 });
    await fillTables(cluster);
    return await underLoad(cluster, probes, minutes, options.plot);
  } finally {
    await cluster.close();
  }
}

async function underLoad(cluster: Cluster, probes: string, minutes: number, plot?: string): Promise<BenchRow[]> {
  const driver = new LoadDriver(cluster);
  await driver.says(/LOADING/);
  const watch = new ProcessWatch(probes);
  watch.add("head", cluster.head.pid);
  for (const [i, node] of cluster.nodes.entries()) watch.add(`worker ${i + 1}`, node.pid);
  watch.add("driver", driver.child.pid ?? 0);
  const end = minutes * 60;
  let cpu = 0;
  while (watch.seconds < end) {
    for (const name of watch.names) if (!watch.isAlive(name)) throw new Error(`${name} has ended: ${driver.output}`);
    watch.sample(machineSamples(cluster));
    if (watch.seconds < end / 6) cpu = watch.cpuSeconds();
    await sleep(everySeconds * 1000);
  }
  const cores = (watch.cpuSeconds() - cpu) / (end - end / 6);
  const facts = await driver.stop();
  process.stderr.write(
    `${facts}\ncores ${cores.toFixed(2)}, load ${loadavg()
      .map((n) => n.toFixed(1))
      .join(" ")}\n`,
  );
  if (plot !== undefined) savePlot(plot, watch.series, end / 6);
  return watch.series.map((series) => row(series, end / 6));
}

function machineSamples(cluster: Cluster): Record<string, readonly [number, string]> {
  const pids = cluster.nodes.map(({ pid }) => String(pid));
  const ours = (name: string): boolean => name.split("-").some((part) => pids.includes(part));
  return {
    "shared memory": [folderMib("/dev/shm", ours), "MB"],
    "head's store": [folderMib(join(cluster.folder, "state"), (name) => name.endsWith(".mdb")), "MB"],
    processes: [processesOf(cluster), ""],
  };
}

/** All that carry the mark of the cluster. */
function processesOf(cluster: Cluster): number {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(cluster.folder);
    } catch {
      return false;
    }
  }).length;
}

function row(series: Series, from: number): BenchRow {
  const { slope, error, first, last, most } = series.trend(from);
  const round = (value: number): number => Number(value.toPrecision(3));
  const isFlat = Math.abs(slope) <= Math.max(error, flat);
  const spread = `± ${round(error)}; ${round(first)} → ${round(last)}, at most ${round(most)}; ${isFlat ? "flat" : "NOT FLAT"}`;
  return { name: series.name, ours: round(slope), unit: `${series.unit}/h`, spread };
}

class LoadDriver {
  readonly child: ChildProcess;
  output = "";

  constructor({ address, tokenFile, env }: Cluster) {
    this.child = spawn(process.execPath, [runner, load, address, tokenFile], { env, stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        const said = text.split("\n").filter((line) => !line.startsWith("(printer"));
        this.output = `${this.output}${said.join("\n")}`.slice(-20_000);
      });
    }
  }

  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = this.output.match(pattern);
      if (match) return match[0];
      if (this.child.exitCode !== null) throw new Error(`the load has ended: ${this.output}`);
      await sleep(50);
    }
  }

  /** What it did. */
  async stop(): Promise<string> {
    this.child.stdin?.end();
    return this.says(/DONE .*/);
  }
}
