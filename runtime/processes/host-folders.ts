/**
 * Where a process of a node puts files that must not outlive it: the node removes both folders when the process is gone,
 * and whatever ends the node removes those of all its processes. Outside of a node they are the machine's own.
 */

import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";

/** In the environment of a node's processes: their folders on the disk and in shared memory, made when first asked for. */
export const scratchVariable = "ASTUNE_HOST_SCRATCH";
export const sharedVariable = "ASTUNE_HOST_SHARED";

const SHARED_MEMORY = "/dev/shm";

/** The name in shared memory of what a process of a node keeps there. */
export const sharedFolderName = (nodeId: string, hostId: string): string =>
  `${SHARED_MEMORY}/astune-host-${nodeId}-${hostId}`;

/** A folder for small files, such as sockets. */
export async function scratchRoot(): Promise<string> {
  return made(process.env[scratchVariable]) ?? tmpdir();
}

/** A folder for large files that lie there for a moment: in shared memory where the system has it. */
export async function sharedRoot(): Promise<string> {
  try {
    await access(SHARED_MEMORY, constants.W_OK);
  } catch {
    return scratchRoot();
  }
  return made(process.env[sharedVariable]) ?? SHARED_MEMORY;
}

function made(folder: string | undefined): Promise<string> | undefined {
  return folder ? mkdir(folder, { recursive: true, mode: 0o700 }).then(() => folder) : undefined;
}
