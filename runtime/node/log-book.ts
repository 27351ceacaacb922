// The output of this node's hosts: which files belong to which actor or job, of hosts that are gone too, and what is in
// them.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { LogPart, LogQuery, LogSource } from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";
import type { HostProcess } from "./host-process.ts";

/** Hosts that are remembered. */
const kept = 10_000;
/** What one answer brings at most. */
const partBytes = 256 * 1024;
const logFile = /^worker-[\w.-]+\.(out|err)$/;

/** What a host is used for. */
export interface HostUse {
  readonly actorId: string | null;
  readonly jobId: string;
  readonly name: string;
  readonly restarts: number;
}

interface Entry extends HostUse {
  readonly host: Pick<HostProcess, "pid" | "outFile" | "errorFile">;
  readonly startMs: number;
}

export class LogBook {
  readonly #nodeId: string;
  readonly #folder: string;
  readonly #entries: Entry[] = [];

  /** `folder`: where hosts write. */
  constructor(nodeId: string, folder: string) {
    this.#nodeId = nodeId;
    this.#folder = folder;
  }

  used({ pid, outFile, errorFile }: Entry["host"], use: HostUse): void {
    const isAgain = (entry: Entry): boolean => entry.host.outFile === outFile && entry.jobId === use.jobId;
    if (!use.actorId && this.#entries.some(isAgain)) return;
    // Only the names of its files: what else there is of a process must not stay when it is gone.
    this.#entries.push({ ...use, host: { pid, outFile, errorFile }, startMs: Date.now() });
    if (this.#entries.length > kept) this.#entries.shift();
  }

  sources({ actorId, jobId }: LogQuery): LogSource[] {
    return this.#entries
      .filter((entry) => actorId === undefined || entry.actorId === actorId)
      .filter((entry) => jobId === undefined || entry.jobId === jobId)
      .map(({ host, startMs, ...use }) => ({
        ...use,
        nodeId: this.#nodeId,
        pid: host.pid,
        startMs,
        files: [host.outFile, host.errorFile].map((file) => ({ file: basename(file), sizeBytes: sizeOf(file) })),
      }));
  }

  /** A part of a host's output. Throws RaySystemError for any other file. */
  read(file: string, offset: number): LogPart {
    if (!logFile.test(file)) throw new RaySystemError(`${file} is not the output of a host`);
    let descriptor: number;
    try {
      descriptor = openSync(join(this.#folder, file), "r");
    } catch (error) {
      throw new RaySystemError(`${file} cannot be read: ${String(error)}`, {}, { cause: error });
    }
    try {
      const { size } = fstatSync(descriptor);
      const bytes = Buffer.alloc(Math.max(0, Math.min(partBytes, size - offset)));
      const read = readSync(descriptor, bytes, 0, bytes.length, offset);
      return { bytes: bytes.subarray(0, read), sizeBytes: size };
    } finally {
      closeSync(descriptor);
    }
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
