// How this node is: its processes, its memory, its shared memory. Read from /proc when somebody asks.
import { readFileSync, statfsSync } from "node:fs";
import { loadavg, totalmem } from "node:os";
import type { NodeStats, ProcessFacts, StoreFacts } from "../control/index.ts";
import type { HostProcess } from "./host-process.ts";

const pageBytes = 4096;
/** Clock ticks of /proc in a second: Linux's user interface has had 100 always. */
const ticksPerSecond = 100;
const sharedFolder = "/dev/shm";

type Host = Pick<HostProcess, "pid">;

/** `uses`: what hosts are used for. `hosts`: all, the idle ones too. */
export function nodeStats(
  uses: Iterable<{ readonly host: Host; readonly actorId: string | null }>,
  hosts: readonly Host[],
  objectStore: StoreFacts,
): NodeStats {
  const use = new Map([...uses].map(({ host, actorId }) => [host.pid, actorId]));
  const own = { pid: process.pid, kind: "agent", actorId: null } as const;
  const others = hosts.map(({ pid }) => {
    const actorId = use.get(pid);
    const kind = actorId === undefined ? "idle" : actorId === null ? "lease" : "actor";
    return { pid, kind, actorId: actorId ?? null } as const;
  });
  return {
    processes: [own, ...others].flatMap((each): ProcessFacts[] => {
      const usage = usageOf(each.pid);
      return usage ? [{ ...each, ...usage }] : [];
    }),
    memoryTotalBytes: totalmem(),
    memoryAvailableBytes: availableBytes(),
    sharedMemory: sharedMemory(),
    objectStore,
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** Undefined where the process is gone. */
function usageOf(pid: number): Pick<ProcessFacts, "rssBytes" | "cpuSeconds"> | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [user = 0, system = 0] = [fields[11], fields[12]].map(Number);
    return { rssBytes: Number(fields[21]) * pageBytes, cpuSeconds: (user + system) / ticksPerSecond };
  } catch {
    return undefined;
  }
}

function availableBytes(): number {
  try {
    return Number(readFileSync("/proc/meminfo", "utf8").match(/^MemAvailable:\s+(\d+) kB/m)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function sharedMemory(): NodeStats["sharedMemory"] {
  try {
    const { bsize, blocks, bavail } = statfsSync(sharedFolder);
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch {
    return null;
  }
}
