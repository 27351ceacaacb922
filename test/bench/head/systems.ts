/** The heads that are compared: how each is started, and when it counts as ready. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { rayEnvironment } from "../runtime/ray.ts";
import { endSystem, mark } from "./process-tree.ts";

const root = resolve(import.meta.dirname, "..", "..", "..");

/** A system that runs. */
export interface Started {
  readonly name: string;
  /** A process that only holds the others together, and counts for nothing. */
  readonly apart?: number | undefined;
  readonly readySeconds: number;
  /** Ends all its processes and removes its files. */
  close(): Promise<void>;
}

/** Starts a system; done when it is ready. */
export type Start = () => Promise<Started>;

/** `astune-head start`, ready when it says so; with a worker, when the worker says that it has joined. */
export async function startOurs(withWorker: boolean): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "astune-bench-"));
  const { ASTUNE_ADDRESS: _, ASTUNE_AUTH_TOKEN: __, ...rest } = process.env;
  const env = { ...rest, ASTUNE_STATE_DIR: folder, [mark]: folder };
  const start = performance.now();
  const head = run(process.execPath, [join(root, "bin", "astune-head.js"), "start", "--port", "0"], env);
  const address = await says(head, /ready at (\S+)/);
  if (withWorker) {
    const worker = run(process.execPath, [join(root, "bin", "astune-worker.js"), "join", address], env);
    await says(worker, /node (\S+) has joined/);
  }
  return started(folder, start);
}

/** `ray start --head` with everything at its default but the ports, ready when the command says so. */
export async function startRay(): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "ray-bench-"));
  const env = { ...process.env, RAY_USAGE_STATS_ENABLED: "0", [mark]: folder };
  const [port, clientPort, dashboard, agent] = await freePorts(4);
  const ports = [
    ["port", port],
    ["ray-client-server-port", clientPort],
    ["dashboard-port", dashboard],
    ["dashboard-agent-listen-port", agent],
  ].map(([name, value]) => `--${name}=${value}`);
  const start = performance.now();
  // The command stays, so that what it has started can be found.
  const ray = join(rayEnvironment, "bin", "ray");
  const command = run(ray, ["start", "--head", "--block", `--temp-dir=${folder}`, ...ports], env);
  await says(command, /Ray runtime started/);
  return { ...started(folder, start), apart: command.pid };
}

function started(folder: string, start: number): Started {
  const readySeconds = (performance.now() - start) / 1000;
  const close = async () => {
    await endSystem(folder);
    await rm(folder, { recursive: true, force: true });
  };
  return { name: folder, readySeconds, close };
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
}

/** The first group of a match in what a program prints. Rejects with its output where it ends before. */
function says(child: ChildProcess, pattern: RegExp): Promise<string> {
  let output = "";
  return new Promise((resolve, reject) => {
    const read = (text: string) => {
      output += text;
      const match = output.match(pattern);
      if (match) resolve(match[1] ?? match[0]);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", read);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`it ended (${code}): ${output}`)));
  });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}
