/**
 * One real head, a thousand simulated nodes and a hundred thousand actors. The nodes are sessions with the head that speak the
 * node agent's side of the protocol from one other process and only pretend that actors run. The actors are created by a driver,
 * this process, through the public API. Placement latency is taken with all of them there, by further actors that are created
 * one at a time, fifty a second.
 */

import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { connectHead, type HeadConnection } from "../../../runtime/client/index.ts";
import type { ListReply } from "../../../runtime/control/index.ts";
import { type ActorHandle, init, remote, shutdown } from "../../../runtime/index.ts";
import type { BenchOptions, BenchRow } from "../bench.ts";
import { type Usage, usageOfProcess } from "../head/process-tree.ts";
import { Simulation } from "./simulation.ts";
import { Sleeper } from "./sleeper.ts";

const mostProbes = 1_000;
const probeEveryMs = 20;
/** Created in one turn of the driver's event loop. */
const atOnce = 1_000;
/** Asked for and not yet started, at most. */
const mostOnTheWay = 10_000;

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** `--nodes`, `--actors`; `--seconds`: of the windows in which idle CPU is measured. */
export async function scale(options: BenchOptions): Promise<BenchRow[]> {
  const nodes = Number(options.nodes ?? 1_000);
  const actors = Number(options.actors ?? 100_000);
  const seconds = Number(options.seconds ?? 10);
  const simulation = new Simulation();
  try {
    await simulation.startHead();
    say(`${nodes} nodes join`);
    // A quarter more than there are actors, and room for those that measure.
    await simulation.startNodes(nodes, Math.ceil((1.25 * actors + mostProbes) / nodes));
    const idleBefore = await idle(simulation, seconds);
    const bare = memoryOf(simulation);
    await init({ address: simulation.address, tokenFile: simulation.tokenFile, logToDriver: false });
    return await measure(simulation, { nodes, actors, seconds, idleBefore, bare });
  } finally {
    await shutdown();
    await simulation.close();
  }
}

interface Setting {
  readonly nodes: number;
  readonly actors: number;
  readonly seconds: number;
  readonly idleBefore: number;
  readonly bare: Usage;
}

async function measure(
  simulation: Simulation,
  { nodes, actors, seconds, idleBefore, bare }: Setting,
): Promise<BenchRow[]> {
  say(`${actors} actors are created`);
  const cpuBefore = memoryOf(simulation).cpuSeconds;
  const start = performance.now();
  const handles = await create(simulation, actors);
  const creation = (performance.now() - start) / 1000;
  const creationCpu = memoryOf(simulation).cpuSeconds - cpuBefore;
  const head = await connect(simulation);
  await expectAlive(head, actors);

  const probes = Math.min(mostProbes, actors);
  say(`${probes} more, one at a time`);
  const told = await probe(simulation, "before", probes, handles);
  const inside = await insideHead(head, probes);
  head.close();
  const idleAfter = await idle(simulation, seconds);
  const full = memoryOf(simulation);

  say("the head is killed and started again");
  const recovery = await recover(simulation, nodes, handles);
  const again = await connect(simulation);
  await expectAlive(again, actors + probes + 1);
  again.close();
  const after = memoryOf(simulation);

  const load = `load ${loadavg()[0]?.toFixed(1)}`;
  const megabytes = (bytes: number): number => round(bytes / 1e6);
  const goal = (value: number) => ({ anchor: value, anchorName: "goal", goal: { atMost: 1 } });
  const size = `${nodes} nodes, ${actors} actors`;
  return [
    {
      name: `head's memory (RSS), ${size}`,
      ours: megabytes(full.rssBytes),
      unit: "MB",
      ...goal(1_000),
      spread: `PSS ${megabytes(full.pssBytes)}; with the nodes alone ${megabytes(bare.rssBytes)}; after its restart ${megabytes(after.rssBytes)}`,
    },
    {
      name: "actors created",
      ours: round(actors / creation),
      unit: "per s",
      spread: `${round(creation)} s from the first remote() to the last node being told; ${round((creationCpu / actors) * 1e6)} µs of the head's CPU each; ${load}`,
    },
    {
      name: "placement, from the request read by the head to the node's message sent, p99",
      ours: round(inside.p99),
      unit: "ms",
      ...goal(5),
      spread: `p50 ${round(inside.p50)}, max ${round(inside.max)}; ${probes} one at a time; ${load}`,
    },
    {
      name: "placement, from remote() in the driver to the node having read it, p99",
      ours: round(told.p99),
      unit: "ms",
      ...goal(5),
      spread: `p50 ${round(told.p50)}, max ${round(told.max)}; three processes and two connections; ${load}`,
    },
    {
      name: "head's idle CPU",
      ours: round(idleAfter * 100),
      unit: "% of a core",
      spread: `with the nodes alone ${round(idleBefore * 100)}; over ${seconds} s`,
    },
    {
      name: "recovery after kill -9: all nodes back, all actors known",
      ours: round(recovery.nodesBack),
      unit: "s",
      spread: `ready to listen after ${round(recovery.ready)}; its CPU until then ${round(recovery.cpu)} s; the next placement ${round(recovery.placed)} ms after; ${load}`,
    },
  ];
}

/** Done when a node was told of the last one. */
async function create(simulation: Simulation, count: number): Promise<ActorHandle<Sleeper>[]> {
  const Remote = remote(Sleeper).options({ numCpus: 1 });
  const handles: ActorHandle<Sleeper>[] = [];
  while (handles.length < count) {
    for (let i = 0; i < atOnce && handles.length < count; i += 1) handles.push(Remote.remote());
    await simulation.until(({ told }) => handles.length - told <= mostOnTheWay);
  }
  await simulation.until(({ told }) => told === count);
  return handles;
}

/** Creates named actors one at a time, and compares the driver's clock with that of their nodes' process. */
async function probe(simulation: Simulation, name: string, count: number, keep: unknown[]): Promise<Latency> {
  const asked = new Map<string, number>();
  const { told: before } = await simulation.counts();
  for (let i = 0; i < count; i += 1) {
    const label = `${name}-${i}`;
    asked.set(label, clockMs());
    keep.push(remote(Sleeper).options({ numCpus: 1, name: label }).remote());
    await sleep(probeEveryMs);
  }
  const { named } = await simulation.until(({ told }) => told === before + count);
  const times = named.map(([label, ms]) => ms - (asked.get(label) ?? Number.NaN));
  if (times.length !== count || times.some((ms) => !(ms >= 0))) throw new Error("not every actor's node was told once");
  return latencyOf(times);
}

async function recover(simulation: Simulation, nodes: number, keep: unknown[]) {
  const { told } = await simulation.counts();
  const killed = clockMs();
  await simulation.killHead();
  await simulation.startHead();
  const ready = clockMs() - killed;
  const { lastAgainMs } = await simulation.until(({ again }) => again >= nodes);
  const cpu = memoryOf(simulation).cpuSeconds;
  const asked = clockMs();
  keep.push(remote(Sleeper).options({ numCpus: 1, name: "after" }).remote());
  const { named } = await simulation.until((counts) => counts.told === told + 1);
  const placed = (named[0]?.[1] ?? Number.NaN) - asked;
  return { ready: ready / 1000, nodesBack: (lastAgainMs - killed) / 1000, cpu, placed };
}

function connect({ address, tokenFile }: Simulation): Promise<HeadConnection> {
  return connectHead({ address, token: readFileSync(tokenFile, "utf8").trim(), timeoutMs: 60_000 });
}

/** Throws where the head does not know so many living actors, and no others. */
async function expectAlive(head: HeadConnection, count: number): Promise<void> {
  const filters = [{ column: "state", predicate: "=", value: "ALIVE" }] as const;
  for (;;) {
    const { total, num_filtered: alive } = (await head.ask("list", { kind: "actors", filters, limit: 1 })) as ListReply;
    if (total > count) throw new Error(`the head knows ${total} actors, expected ${count}`);
    if (alive === count) return;
    await sleep(100);
  }
}

async function insideHead(head: HeadConnection, latest: number): Promise<Latency> {
  const facts = (await head.ask("placementTimes", latest)) as { p50Ms: number; p99Ms: number; maxMs: number };
  return { p50: facts.p50Ms, p99: facts.p99Ms, max: facts.maxMs };
}

function memoryOf({ headPid }: Simulation): Usage {
  const usage = usageOfProcess(headPid);
  if (!usage) throw new Error("the head is gone");
  return usage;
}

/** Share of a core. */
async function idle(simulation: Simulation, seconds: number): Promise<number> {
  const [before, start] = [memoryOf(simulation).cpuSeconds, performance.now()];
  await sleep(seconds * 1000);
  return ((memoryOf(simulation).cpuSeconds - before) * 1000) / (performance.now() - start);
}

function latencyOf(times: readonly number[]): Latency {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const round = (value: number): number => Number(value.toPrecision(3));
const say = (text: string): void => void process.stderr.write(`scale: ${text}\n`);
