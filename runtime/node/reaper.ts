// Ends what a node's hosts started when the node agent itself is killed. A shell that only waits for the end of its input
// needs no memory to speak of, and a killed agent cannot take it along.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** In the environment of everything that runs on a node. */
export const nodeMark = "ASTUNE_NODE_ID";

// $1: the mark; $2: the session's folder; $3: the store's, in shared memory; $4: the node. A process that forks while it is
// killed is found in the next round.
const script = `
read -r _
while found=$(grep -lzsxF "$1" /proc/[0-9]*/environ) || [ -n "$found" ]; do
  for file in $found; do pid="\${file#/proc/}"; kill -9 "\${pid%/environ}"; done
  sleep 0.02
done
case "$2" in */astune-*/n*) rm -rf "$2" ;; esac
case "$3" in */astune-store-*) rm -rf "$3" ;; esac
rm -rf /dev/shm/astune-host-"$4"-*
`;

export class Reaper {
  readonly #child: ChildProcess;

  /** Both folders go with the agent, and what its hosts have in shared memory. */
  constructor(nodeId: string, sessionFolder: string, storeFolder: string) {
    const args = ["-c", script, "astune-reaper", `${nodeMark}=${nodeId}`, sessionFolder, storeFolder, nodeId];
    this.#child = spawn("/bin/sh", args, { stdio: ["pipe", "ignore", "ignore"], detached: true, env: {} });
    this.#child.on("error", () => {});
    this.#child.stdin?.on("error", () => {});
    this.#child.unref();
    (this.#child.stdin as unknown as { unref?(): void } | null)?.unref?.();
  }

  /** Lets it end everything that is left; done when it has. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.pid === undefined) return;
    this.#child.ref();
    this.#child.stdin?.end();
    await once(this.#child, "exit");
  }
}
