/** Messages as processes send them to each other, to be changed: a good one of each kind that a port knows. */

import { kind } from "../../../runtime/wire/index.ts";
import type { Random } from "./random.ts";

const value = Buffer.from([0x93, 1, 2, 0xa1, 0x78]);
const reference = [
  value,
  [["object-1", "p|n|/tmp/none.sock|127.0.0.1:1"]],
  [["actor-1", { className: "C", methods: [] }]],
];
const stored = [value, [], [], ["object-1", "p|n|/tmp/none.sock|127.0.0.1:1", 1000]];
const units = { CPU: 10_000 };
/** Of a node that is not there: it waits. */
const request = {
  ...{ held: units, placement: units, labelSelector: {} },
  strategy: { kind: "node", nodeId: "none", soft: false },
};
const runtimeEnv = { envVars: { A: "b" } };
const info = {
  ...{
    className: "C",
    name: null,
    namespace: "fuzz",
    methods: [["add", "sync", 1, {}]],
    hasAsync: false,
    ordered: true,
  },
  ...{ maxTaskRetries: 0, retryExceptions: false, maxPendingCalls: -1, concurrencyGroups: {}, detached: false },
};
/** A module that is not there: with the token a process may name any that is. */
const code = { root: "workingDir", path: "no/such/module.ts", name: "C" };
const started = {
  hostId: "none#0",
  actorId: "none",
  restarts: 0,
  jobId: "fuzz",
  code,
  info,
  maxConcurrency: 1,
  runtimeEnv,
};
const exit = {
  nodeId: "none",
  hostId: "none#0",
  actorId: "none",
  leaseId: null,
  restarts: 0,
  intended: false,
  message: "m",
};
const lease = {
  ...{
    leaseId: "none",
    holder: "p",
    taken: { nodeId: "none", units: {}, gpus: {}, groupId: null, home: "none", shareGpus: false },
  },
  ...{
    jobId: "fuzz",
    name: "f",
    namespace: "fuzz",
    runtimeEnv,
    gpuIds: [],
    resources: { CPU: 1 },
    placementGroupId: null,
  },
};
/** A node without anything to place work on. */
const agent = {
  ...{
    kind: "agent",
    nodeId: "none",
    address: "none|none||127.0.0.1:1",
    hostname: "h",
    ip: "127.0.0.1",
    pid: 1,
    total: {},
  },
  ...{ gpuIds: [], pretendedGpus: false, labels: {}, sessionFolder: "/tmp/none", hosts: [], exits: [exit] },
};
const client = {
  ...{
    kind: "host",
    jobId: "fuzz",
    namespace: "fuzz",
    address: "p|n||127.0.0.1:1",
    pid: 1,
    hostname: "h",
    entrypoint: "e",
  },
  ...{ actorId: null, logToDriver: false },
};
const creation = {
  ...{ actorId: "none", jobId: "fuzz", code, info, getIfExists: false, maxRestarts: 0, maxConcurrency: 1, request },
  ...{ runtimeEnv, callSite: "x", owner: "p", ownerActorId: null, args: [value] },
};
const group = {
  ...{ id: "none", jobId: "fuzz", name: "g", strategy: "PACK", bundles: [{ CPU: 1e6 }], ownerActorId: null },
  ...{ labelSelectors: [{}], detached: false },
};
const submission = {
  ...{
    jobId: "none",
    requestId: "r",
    name: "n",
    entrypoint: "e",
    metadata: { a: "b" },
    user: "u",
    resources: { CPU: 1e13 },
  },
  ...{ className: "C", code, args: [value], request, runtimeEnv, maxRestarts: 0 },
};
const event = {
  ...{
    taskId: "t",
    name: "C.add",
    type: "ACTOR_TASK",
    jobId: "fuzz",
    actorId: "a",
    state: "FINISHED",
    startMs: 1,
    endMs: 2,
  },
  ...{ errorType: null, errorMessage: null },
};
const log = { jobId: "fuzz", source: "C", pid: 1, ip: "127.0.0.1", isError: false, lines: ["a", "b"] };

const ask = (method: string, payload: unknown) => [kind.request, 1, method, payload];
const tell = (topic: string, payload: unknown) => [kind.event, topic, payload];

const everywhere: readonly unknown[] = [
  [kind.call, 1, "none#0", "add", [value, reference, stored], "", 1, false, 0],
  [kind.call, 2, "none#0", "upTo", [value], "lane", 1, true, 2],
  [kind.values, 1, [value, reference]],
  [kind.item, 1, stored],
  [kind.end, 1],
  [
    kind.threw,
    1,
    { className: "RangeError", name: "RangeError", message: "m", stack: "s", fields: value },
    "f",
    "t",
    "a",
  ],
  [kind.failed, 1, { className: "ActorDiedError", message: "m", cause: { message: "c" } }],
  [kind.cancel, "none#0", 1, true],
  [kind.consumed, "none#0", 1, 5],
  [kind.response, 1, { a: 1 }],
  [kind.refused, 1, { className: "RaySystemError", message: "m" }],
  ask("fetch", "object-1"),
  ask("cancel", { id: "object-1", force: true, recursive: true }),
  ask("objects", null),
  tell("borrow", "object-1"),
  tell("drop", "object-1"),
  tell("callEnded", { hostId: "none#0", callId: 1 }),
  tell("actor", {
    actorId: "none",
    state: "ALIVE",
    restarts: 0,
    address: "p|n||127.0.0.1:1",
    hostId: "none#0",
    death: null,
  }),
  tell("group", { id: "none", state: "CREATED", reasons: [] }),
  tell("leaseLost", { leaseId: "none", message: "m" }),
  tell("processGone", "none"),
  tell("log", log),
];

const head: readonly unknown[] = [
  ask("register", client),
  ask("register", agent),
  ask("createActor", creation),
  ask("placeActor", { actorId: "none", args: [value] }),
  ask("abandonActor", { actorId: "none", message: "m", failure: { message: "m" } }),
  ask("getActor", { name: "n", namespace: "fuzz" }),
  ask("killActor", { actorId: "none", noRestart: true }),
  ask("letGo", "none"),
  ask("lease", { leaseId: "none", jobId: "fuzz", name: "f", namespace: "fuzz", request, runtimeEnv }),
  ask("createGroup", group),
  ask("removeGroup", "none"),
  ask("hostExited", exit),
  ask("nodes", null),
  ask("groups", null),
  ask("status", null),
  ask("drainNode", "none"),
  ask("isGone", "none"),
  ask("leave", null),
  ask("submitJob", submission),
  ask("stopJob", "none"),
  ask("jobs", null),
  ask("job", "none"),
  ask("jobRunning", "none"),
  ask("jobEnded", { jobId: "none", status: "FAILED", message: "m" }),
  ask("list", { kind: "actors", filters: [{ column: "state", predicate: "=", value: "ALIVE" }], limit: 10 }),
  ask("tasks", null),
  ask("logSources", { actorId: "none", jobId: "fuzz", nodeId: "none" }),
  ask("readLog", { nodeId: "NODE", file: "worker-1-1.out", offset: 0 }),
  ...["hold", "dropLease", "killLease", "blocked", "unblocked"].map((topic) => tell(topic, "none")),
  tell("leases", [{ leaseId: "none", nodeId: "none" }]),
];

/** What a node agent hears from the processes of its node, from other agents, and from the head. */
const node: readonly unknown[] = [
  ask("register", { hostId: "none", address: "p|n||127.0.0.1:1" }),
  ask("startActor", { ...started, args: [value], gpuIds: [], resources: {}, placementGroupId: null }),
  ask("startLease", lease),
  ask("killHost", "none"),
  ask("endLease", "none"),
  ask("store.create", 1000),
  ask("store.spare", 1000),
  ask("store.seal", { segment: "none", objectId: "object-1", bytes: 1000 }),
  ask("store.discard", "none"),
  ask("store.pin", "object-1"),
  ask("store.chunk", { objectId: "object-1", offset: 0, length: 1000 }),
  ask("store.pull", { objectId: "object-1", agent: "p|n||127.0.0.1:1", bytes: 1000 }),
  ask("store.stats", null),
  tell("store.unpin", "object-1"),
  tell("store.release", "object-1"),
  tell("store.owner", { objectId: "object-1", processId: "p" }),
  tell("exiting", null),
  tell("taskEvents", { events: [event], counts: [{ name: "C.add", type: "ACTOR_TASK", started: 1, failed: 0 }] }),
];

/** `role`: of the process. `names`: what stands for itself there, a host's id say, is sent as well. */
export function seedsOf(role: "head" | "node" | "host", names: Readonly<Record<string, string>>): readonly unknown[] {
  const own = role === "head" ? head : role === "node" ? node : [];
  const all = [...own, ...everywhere];
  const calls = Object.values(names).flatMap((hostId) => [
    [kind.call, 3, hostId, "see", [value], "", 1, false, 0],
    [kind.call, 4, hostId, "add", [value, reference], "", 1, false, 0],
    [kind.call, 5, hostId, "constructor", [value], "", 1, true, 1],
    [kind.call, 6, hostId, "__proto__", [], "", 1, false, 0],
  ]);
  return role === "host" ? [...all, ...calls] : all;
}

/** A frame of a few such messages, changed or not. */
export function frameOf(random: Random, seeds: readonly unknown[]): unknown[] {
  const count = 1 + random.below(4);
  const one = (): unknown => random.mutated(named(random.of(seeds), random), random.of([0, 0.02, 0.05, 0.2, 0.5]));
  return Array.from({ length: count }, one);
}

/** Ids are of something new, or of what an earlier message has made. */
function named(value: unknown, random: Random): unknown {
  if (value === "none") return `none-${random.below(100)}`;
  if (value === "none#0") return `none-${random.below(100)}#0`;
  if (Array.isArray(value)) return value.map((item) => named(item, random));
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, named(item, random)]));
}
