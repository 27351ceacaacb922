// A folder that belongs to one process and says so by its name, so that a later process can tell that it is left over.
import { mkdirSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startTicksOf } from "../processes/index.ts";

const prefix = "astune-store";
let count = 0;

/** A new folder in `root` that only this user can enter. Folders there whose process is gone are removed. */
export function openSessionFolder(root: string): string {
  mkdirSync(root, { recursive: true });
  removeLeftovers(root);
  count += 1;
  const folder = join(root, [prefix, pidNamespace(), process.pid, startTicksOf(process.pid), count].join("-"));
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

function removeLeftovers(root: string): void {
  for (const name of readdirSync(root)) {
    const [, namespace, pid, startTicks] = /^astune-store-(\d+)-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
    // A process of another container is none here, though it may well run: its folder is for those beside it to remove.
    if (namespace !== pidNamespace() || startTicksOf(Number(pid)) === startTicks) continue;
    try {
      rmSync(join(root, name), { recursive: true, force: true });
    } catch (error) {
      // Another user's: that user's next agent removes it.
      if (!["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

function pidNamespace(): string {
  return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
}
