/** The checks of `astune doctor` that need no Python. Each looks for itself and never throws. */

import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { execa } from "execa";

/** What one check found. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "missing";
  /** Whether a run needs it. */
  readonly needed: boolean;
  readonly found: string;
  /** What happens without it, or how to get it. */
  readonly advice?: string;
}

const GIB = 2 ** 30;
const OLDEST_NODE = [20, 11] as const;
const NEEDED_DISK_BYTES = 2 * GIB;
const USEFUL_SHARED_MEMORY_BYTES = GIB / 4;
const COMMAND_TIMEOUT_MS = 20_000;

/** Node's version, as in `process.versions.node`. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const advice = `install Node ${OLDEST_NODE.join(".")} or newer from https://nodejs.org`;
  return { name: "Node", state: isNewEnough ? "ok" : "missing", needed: true, found: version, advice };
}

/** Starts a real sandbox: where user namespaces are forbidden, bubblewrap is there and does not work. */
export async function checkBubblewrap(command = "bwrap"): Promise<Finding> {
  const facts = { name: "bubblewrap", needed: false };
  const advice = "without it tool code runs in Pyodide, slower; apt-get install bubblewrap";
  const version = await run(command, ["--version"]);
  if (!version.ok) return { ...facts, state: "missing", found: version.text, advice };
  const trial = await run(command, ["--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "true"]);
  if (trial.ok) return { ...facts, state: "ok", found: version.text };
  const forbidden =
    "without it tool code runs in Pyodide, slower; user namespaces must be allowed (kernel.unprivileged_userns_clone=1)";
  return { ...facts, state: "missing", found: `${version.text}, but: ${trial.text}`, advice: forbidden };
}

/** A browser for the browser tests; a run needs none. */
export async function checkChromium(commands = ["chromium", "chromium-browser", "google-chrome"]): Promise<Finding> {
  for (const command of commands) {
    const version = await run(command, ["--version"]);
    if (version.ok) return { name: "Chromium", needed: false, state: "ok", found: version.text };
  }
  const advice = "only browser tests need it; apt-get install chromium";
  return { name: "Chromium", needed: false, state: "missing", found: "not found", advice };
}

/** Free disk where experiments are kept. */
export async function checkDisk(folder: string): Promise<Finding> {
  const free = await freeBytes(folder);
  const state = free !== undefined && free >= NEEDED_DISK_BYTES ? "ok" : "missing";
  const found = free === undefined ? `cannot read ${folder}` : `${gib(free)} free in ${folder}`;
  const advice = `checkpoints need room: ${gib(NEEDED_DISK_BYTES)} at least, and some 16 bytes per parameter for each checkpoint`;
  return { name: "disk", needed: true, state, found, advice };
}

/** Shared memory, which batches go through on their way to the kernel. */
export async function checkSharedMemory(folder: string): Promise<Finding> {
  const stats = await statfs(folder).catch(() => undefined);
  const free = stats && stats.bavail * stats.bsize;
  const state = free !== undefined && free >= USEFUL_SHARED_MEMORY_BYTES ? "ok" : "missing";
  const found = stats
    ? `${gib(stats.bavail * stats.bsize)} free of ${gib(stats.blocks * stats.bsize)}`
    : `no ${folder}`;
  const advice = "without it batches go through the temporary folder; in a container, start it with --shm-size=1g";
  return { name: folder, needed: false, state, found, advice };
}

/** Whether a port can be listened on. */
export async function checkPort(port: number, what: string): Promise<Finding> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(undefined)));
  });
  const found = error === undefined ? "free" : error.code === "EADDRINUSE" ? "in use" : error.message;
  const advice = `--with-logview needs it; see what listens there: ss -ltnp sport = :${port}`;
  return {
    name: `port ${port} (${what})`,
    needed: false,
    state: error === undefined ? "ok" : "missing",
    found,
    advice,
  };
}

/** How a command went: the first line of its output, or why it failed, and the whole output. */
export interface Answer {
  readonly ok: boolean;
  readonly text: string;
  readonly all: string;
}

/** Runs a command without input. Never throws. */
export async function run(command: string, args: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS): Promise<Answer> {
  const result = await execa(command, args, { reject: false, timeout: timeoutMs, stdin: "ignore" });
  if (!result.failed) return { ok: true, text: firstLine(result.stdout), all: result.stdout };
  if (result.code === "ENOENT") return { ok: false, text: "not found", all: "" };
  return { ok: false, text: lastLine(result.stderr) || (result.shortMessage ?? "failed"), all: result.stderr };
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

async function freeBytes(folder: string): Promise<number | undefined> {
  const stats = await statfs(folder).catch(() => undefined);
  return stats === undefined ? undefined : stats.bavail * stats.bsize;
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
