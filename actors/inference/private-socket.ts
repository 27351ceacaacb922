/** A Unix socket's path in a folder that only this user may enter. */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { scratchRoot } from "../../runtime/processes/index.ts";

export interface PrivateSocket {
  readonly path: string;
  /** Removes the folder and what is in it. */
  remove(): Promise<void>;
}

/** Makes the folder (mode 0700, as `mkdtemp` does); the server makes the socket. A socket's path has 107 bytes at most. */
export async function privateSocket(): Promise<PrivateSocket> {
  const root = await scratchRoot();
  const folder = await mkdtemp(join(Buffer.byteLength(root) > 70 ? "/tmp" : root, "astune-engine-"));
  return { path: join(folder, "engine.sock"), remove: () => rm(folder, { recursive: true, force: true }) };
}
