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
import { type HttpTarget, odd } from "./http-attacks.ts";
import { type LinkTarget, memberAttacks, stranger } from "./link-attacks.ts";
import { Random } from "./random.ts";
import { open, preface, rawAttacks } from "./raw-attacks.ts";
import { seedsOf } from "./seeds.ts";
import { type Actor, Stage } from "./stage.ts";

const everySeconds = 10;
/** A driver that works has no round that takes so long, on a machine that has other work too. */
const stuckSeconds = 90;
/** Slow connections at each port. */
const crowdSize = 10;

/** What came of one port. */
class Port {
  readonly name: string;
  readonly actor: Actor;
  readonly address: string;
  readonly attack: (random: Random, port: Port) => Promise<void>;
  sent = 0;
  strangers = 0;
  /** What was let in without the token; each is a fault. */
  readonly accepted: string[] = [];

  constructor(name: string, actor: Actor, address: string, attack: Port["attack"]) {
    this.name = name;
    this.actor = actor;
    this.address = address;
    this.attack = attack;
  }
}

/** `--minutes`: 60 by default. `--seed`: of everything that is sent. Exit code 1 where anything happened that must not. */
export async function fuzz(options: BenchOptions): Promise<BenchRow[]> {
  const seconds = Number(options.minutes ?? 60) * 60;
  const seed = Number(options.seed ?? Date.now() % 1e9);
  process.stderr.write(`seed ${seed}\n`);
  const stage = await Stage.open(everySeconds);
  try {
    const ports = await portsOf(stage);
    const faults = await attackAll(stage, ports, { seed, seconds });
    faults.push(...ports.flatMap(({ name, accepted }) => accepted.map((what) => `${name} let in a stranger: ${what}`)));
    for (const fault of faults) process.stderr.write(`FAULT ${fault}\n`);
    if (faults.length > 0) process.exitCode = 1;
    const load = loadavg().map((n) => n.toFixed(1));
    process.stderr.write(`the driver's rounds: ${stage.driverRounds}; load ${load.join(" ")}\n`);
    if (options.plot !== undefined) savePlot(options.plot, stage.watch.series, seconds / 6);
    return ports.map((port) => row(port, stage, seconds / 6));
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
  let [rounds, since] = [0, 0];
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

async function portsOf(stage: Stage): Promise<Port[]> {
  const token = await stage.cluster.token();
  return stage.actors.flatMap((actor) =>
    actor.addresses.map((address) => {
      const name = `${actor.name}, ${address.startsWith("unix:") ? "socket" : "TCP"}`;
      if (actor.speaks === "http")
        return new Port(`${actor.name}, HTTP`, actor, address, httpAttack(stage, actor, address));
      const seeds = JSON.parse(
        JSON.stringify(seedsOf(actor.role, stage.hostIds)).replaceAll("NODE", stage.nodeId),
      ) as unknown[];
      return new Port(name, actor, address, linkAttack({ address, token, seeds: revived(seeds) as unknown[] }));
    }),
  );
}

/** Bytes, which JSON has no word for. */
function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== "object" || value === null) return value;
  const { type, data } = value as { type?: string; data?: number[] };
  if (type === "Buffer" && data) return Buffer.from(data);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revived(item)]));
}

function linkAttack(target: LinkTarget): Port["attack"] {
  return async (random, port) => {
    const kind = random.next();
    if (kind < 0.3) {
      port.sent += await random.of(Object.values(rawAttacks))(target.address, random);
    } else if (kind < 0.5) {
      const { sent, accepted, code } = await stranger(target, random);
      port.sent += sent;
      port.strangers += 1;
      if (accepted) port.accepted.push(`status ${code}`);
    } else {
      port.sent += (await random.of(Object.values(memberAttacks))(target, random)).sent;
    }
  };
}

function httpAttack(stage: Stage, actor: Actor, address: string): Port["attack"] {
  const isProxy = actor.name === "episode's proxy";
  const { url, key } = isProxy ? stage.proxyAt : stage.pageAt;
  const at = new URL(url).pathname;
  const paths = isProxy
    ? ["models", "chat/completions", "chat/completions", "completions", "tools/execute_python_code", "judge"].map(
        (path) => `${at}/${path}`,
      )
    : [
        "/",
        "/page/main.js",
        "/api/metrics?from=1",
        "/api/episodes?count=9e9&find=x",
        "/api/episodes/step-000001/3",
        "/api/events",
      ];
  const body = {
    model: "m",
    messages: [{ role: "user", content: "2+2?" }],
    max_tokens: 4,
    stream: false,
    tools: [],
    n: 1,
  };
  const target: HttpTarget = { address, paths, key, body };
  return async (random, port) => {
    if (random.chance(0.3)) {
      port.sent += await random.of(Object.values(rawAttacks))(address, random);
      return;
    }
    const withKey = isProxy && random.chance(0.6);
    const { status, text, asked } = await odd(target, random, withKey);
    port.sent += 1;
    if (withKey) return;
    port.strangers += 1;
    const passed = status >= 200 && status < 300;
    // The page has no token: it is for whoever is on this machine, by its own name, to be read.
    const refusable = isProxy || asked.method !== "GET" || asked.headers["host"] === "evil.example";
    if ((passed && refusable) || text.includes("root:x:0:0"))
      port.accepted.push(`${asked.method} ${asked.path}: ${status}`);
  };
}

function row(port: Port, stage: Stage, from: number): BenchRow {
  const { name, actor, sent, strangers, accepted } = port;
  const figure = (what: string): string => {
    const series = stage.watch.series.find((one) => one.name === `${actor.name}, ${what}`);
    if (!series) return "";
    const { slope, error, first, last } = series.trend(from);
    const round = (value: number): string => value.toFixed(1);
    return `; ${what} ${round(slope)} ± ${round(error)} MB/h (${round(first)} → ${round(last)})`;
  };
  const faults = accepted.length === 0 ? "0" : `${accepted.length}: ${accepted.slice(0, 3).join(", ")}`;
  const spread = `crashes ${stage.watch.isAlive(actor.name) ? 0 : 1}; let in without the token ${faults} of ${strangers}${figure("RSS")}${figure("heap")}`;
  return { name, ours: sent, unit: "messages", spread };
}
