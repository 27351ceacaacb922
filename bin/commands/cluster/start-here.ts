/** `--with-ray`: a head and a worker on this machine, in the background, where no head is. */

import { fileURLToPath } from "node:url";
import { inBackground } from "../../daemon.ts";

const script = (name: string): string => fileURLToPath(new URL(`../../${name}.js`, import.meta.url));

/** Starts both; done when the worker has joined. Any free port does: whoever is on this machine finds the head. */
export async function startHere(): Promise<void> {
  await inBackground("astune-head", [process.execPath, script("astune-head"), "start", "--port", "0"]);
  await inBackground("astune-worker", [process.execPath, script("astune-worker"), "join"]);
}
