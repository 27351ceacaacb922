/** A port that is attacked, and what came of it. */

import { type HttpTarget, odd } from "./http-attacks.ts";
import { type LinkTarget, memberAttacks, stranger } from "./link-attacks.ts";
import type { Random } from "./random.ts";
import { rawAttacks } from "./raw-attacks.ts";
import { seedsOf } from "./seeds.ts";
import type { Actor, Served, Stage } from "./stage.ts";

/** What came of one port. */
export class Port {
  readonly name: string;
  readonly actor: Actor;
  readonly address: string;
  readonly attack: (random: Random, port: Port) => Promise<void>;
  sent = 0;
  strangers = 0;
  /** How often one was let in who may come in. */
  members = 0;
  /** What was let in without the token; each is a fault. */
  readonly accepted: string[] = [];

  constructor(name: string, actor: Actor, address: string, attack: Port["attack"]) {
    this.name = name;
    this.actor = actor;
    this.address = address;
    this.attack = attack;
  }
}

/** The ports of a stage, each with what attacks it. */
export async function portsOf(stage: Stage): Promise<Port[]> {
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
      const { sent, accepted } = await random.of(Object.values(memberAttacks))(target, random);
      port.sent += sent;
      port.members += accepted ? 1 : 0;
    }
  };
}

function httpAttack(stage: Stage, actor: Actor, address: string): Port["attack"] {
  const isProxy = actor.name === "episode's proxy";
  const program = isProxy ? stage.proxy : stage.page;
  const served = isProxy ? proxyPaths : pagePaths;
  return async (random, port) => {
    if (random.chance(0.3)) {
      port.sent += await random.of(Object.values(rawAttacks))(address, random);
      return;
    }
    const { url, key } = program.last<Served>("SERVING") as Served;
    const at = new URL(url).pathname.replace(/\/$/, "");
    const withKey = isProxy && random.chance(0.6);
    const target: HttpTarget = { address, paths: served.map((path) => `${at}${path}`), key, body: chat };
    const { status, text, asked } = await odd(target, random, withKey);
    port.sent += 1;
    const passed = status >= 200 && status < 300;
    if (withKey) {
      port.members += passed ? 1 : 0;
      return;
    }
    port.strangers += 1;
    // The page has no token: it is for whoever is on this machine, by its own name, to be read.
    const refusable = isProxy || asked.method !== "GET" || asked.headers["host"] === "evil.example";
    if ((passed && refusable) || text.includes("root:x:0:0"))
      port.accepted.push(`${asked.method} ${asked.path}: ${status}`);
    else if (passed) port.members += 1;
  };
}

const proxyPaths = [
  "/models",
  "/chat/completions",
  "/chat/completions",
  "/completions",
  "/tools/execute_python_code",
  "/judge",
];
const pagePaths = [
  "/",
  "/page/main.js",
  "/api/metrics?from=1",
  "/api/episodes?count=9e9&find=x",
  "/api/episodes/step-000001/3",
  "/api/events",
];
const chat = {
  model: "m",
  messages: [{ role: "user", content: "2+2?" }],
  max_tokens: 4,
  stream: false,
  tools: [],
  n: 1,
};
