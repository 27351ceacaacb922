/**
 * Every port of a cluster under hostile clients, for an hour: broken bytes, wrong protocols, requests that are never finished,
 * real messages without the token, and with the token anything at all. Nothing may crash, grow, run what arrives, or be let in
 * without the token, and a driver must go on working all the while. With the token a process may have code run, as always: what is
 * sent with it names no module that is there, and everything else that somebody might execute is in its texts.
 */

import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { shutdown } from "../../../runtime/index.ts";
import type { BenchOptions, BenchRow } from "../bench.ts";
import { savePlot } from "../watch/save-plot.ts";
import { type Port, portsOf } from "./port.ts";
import { Random } from "./random.ts";
import { open, preface } from "./raw-attacks.ts";
import { Stage } from "./stage.ts";

const everySeconds = 10;
/** A driver that works has no round that takes so long, on a machine that has other work too. */
const stuckSeconds = 240;
/** Slow connections at each port. */
const crowdSize = 10;

/** `--minutes`: 60 by default. `--seed`: of everything that is sent. Exit code 1 where anything happened that must not. */
export async function fuzz(options: BenchOptions): Promise<BenchRow[]> {
  const seconds = Number(options.minutes ?? 60) * 60;
  const seed = Number(options.seed ?? Date.now() % 1e9);
  process.stderr.write(`seed ${seed}\n`);
  const stage = await Stage.open(everySeconds);
  try {
    const ports = await portsOf(stage);
    const faults = await attackAll(stage, ports, { seed, seconds });
    const ended = new Set(stage.watch.names.filter((name) => !stage.watch.isAlive(name)));
    if (faults.length === 0) faults.push(...(await afterwards(stage)));
    faults.push(...ports.flatMap(({ name, accepted }) => accepted.map((what) => `${name} let in a stranger: ${what}`)));
    for (const fault of faults) process.stderr.write(`FAULT ${fault}\n`);
    if (faults.length > 0) process.exitCode = 1;
    for (const { name } of ports.filter(({ members }) => members === 0))
      process.stderr.write(`nobody was let in at ${name}, with the token or without\n`);
    const load = loadavg().map((n) => n.toFixed(1));
    process.stderr.write(`the driver's rounds: ${stage.driverRounds}; load ${load.join(" ")}\n`);
    if (options.plot !== undefined) savePlot(options.plot, stage.watch.series, seconds / 6);
    return ports.map((port) => row(port, stage, { from: seconds / 6, crashed: ended.has(port.actor.name) }));
  } finally {
    await shutdown();
    await stage.close();
  }
}

/** Attacks until the time is over or something is wrong; gives what is. */
async function attackAll(
  stage: Stage,
  ports: readonly Port[],
  { seed, seconds }: { readonly seed: number; readonly seconds: number },
): Promise<string[]> {
  const random = new Random(seed, join(stage.canaries, "ran"));
  const faults: string[] = [];
  const over = (): boolean => faults.length > 0 || stage.watch.seconds >= seconds;
  const attacking = ports.flatMap((port) => [attackUntil(port, random, over), crowdUntil(port, over)]);
  let [rounds, since] = [0, stage.watch.seconds];
  while (!over()) {
    stage.watch.sample();
    for (const name of stage.watch.names) if (!stage.watch.isAlive(name)) faults.push(dead(stage, name));
    if (stage.driverRounds > rounds) [rounds, since] = [stage.driverRounds, stage.watch.seconds];
    if (stage.watch.seconds - since > stuckSeconds)
      faults.push(`the driver is stuck: ${stage.driver.output.slice(-3000)}`);
    if (readdirSync(stage.canaries).length > 0) faults.push("something that arrived was executed");
    for (let i = 0; i < everySeconds && !over(); i += 1) await sleep(1_000);
  }
  await Promise.all(attacking);
  return faults;
}

/** The head, killed, must be able to read what it has kept, and go on with the same driver. */
async function afterwards(stage: Stage): Promise<string[]> {
  const { cluster } = stage;
  await cluster.head.signal("SIGKILL");
  try {
    await cluster.startHead();
  } catch (error) {
    return [`the head does not start on what it has kept: ${String(error)}`];
  }
  const until = stage.driverRounds + 3;
  const since = performance.now();
  while (stage.driverRounds < until) {
    if (performance.now() - since > stuckSeconds * 1000)
      return ["the driver does not go on after the head was started again"];
    await sleep(500);
  }
  return [];
}

async function attackUntil(port: Port, random: Random, over: () => boolean): Promise<void> {
  while (!over()) {
    await port.attack(random, port);
    await sleep(50);
  }
}

/** Connections that say one byte a second, for as long as they are let. */
async function crowdUntil(port: Port, over: () => boolean): Promise<void> {
  const words = Buffer.from(port.actor.speaks === "http" ? "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " : preface);
  const crowd: { readonly socket: Socket; said: number }[] = [];
  while (!over()) {
    for (const [at, one] of [...crowd.entries()].reverse()) if (one.socket.destroyed) crowd.splice(at, 1);
    while (crowd.length < crowdSize) crowd.push({ socket: open(port.address), said: 0 });
    for (const one of crowd) {
      one.socket.write(words.subarray(one.said, one.said + 1));
      one.said = Math.min(words.length - 1, one.said + 1);
      port.sent += 1;
    }
    await sleep(1_000);
  }
  for (const { socket } of crowd) socket.destroy();
}

function dead(stage: Stage, name: string): string {
  const { cluster, driver, proxy, page } = stage;
  const outputs = [
    cluster.head.output,
    ...cluster.nodes.map(({ output }) => output),
    driver.output,
    proxy.output,
    page.output,
  ];
  return `${name} has ended; the last that was said:\n${outputs.map((text) => text.slice(-3000)).join("\n---\n")}`;
}

function row(
  port: Port,
  stage: Stage,
  { from, crashed }: { readonly from: number; readonly crashed: boolean },
): BenchRow {
  const { name, actor, sent, strangers, members, accepted } = port;
  const figure = (what: string): string => {
    const series = stage.watch.series.find((one) => one.name === `${actor.name}, ${what}`);
    if (!series) return "";
    const { slope, error, first, last } = series.trend(from);
    const round = (value: number): string => value.toFixed(1);
    return `; ${what} ${round(slope)} ± ${round(error)} MB/h (${round(first)} → ${round(last)})`;
  };
  const faults = accepted.length === 0 ? "0" : `${accepted.length}: ${accepted.slice(0, 3).join(", ")}`;
  const spread = `crashes ${crashed ? 1 : 0}; let in without the token ${faults} of ${strangers}, with it ${members}${figure("RSS")}${figure("heap")}`;
  return { name, ours: sent, unit: "messages", spread };
}
