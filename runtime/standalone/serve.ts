// A head and a node in one process, for one driver: it ends when the driver does.
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { runHead } from "../head/index.ts";
import { runNode } from "../node/index.ts";
import type { MachineOptions } from "../placement/index.ts";

export interface StandaloneSettings {
  /** Of the head, in a folder of this cluster's own, which is removed with it. */
  readonly folder: string;
  readonly tokenFile: string;
  readonly machine: MachineOptions;
  /** Default: 2, with one processor 1. */
  readonly warmHosts?: number | undefined;
}

/** Serves until standard input ends; prints the head's address when it is ready. */
export async function serve({ folder, tokenFile, machine, warmHosts }: StandaloneSettings): Promise<void> {
  const log = () => {};
  const head = await runHead({ host: "127.0.0.1", port: 0, tokenFile, stateFolder: folder, announce: false, log });
  const node = await runNode({
    headAddress: head.address,
    tokenFile,
    machine,
    warmHosts,
    log,
    expelled: (error) => {
      console.error(error);
      process.exit(1);
    },
  });
  const end = async () => {
    await node.close();
    await head.close();
    // A driver that was killed cannot do it.
    rmSync(dirname(folder), { recursive: true, force: true });
    process.exit(0);
  };
  process.stdin.on("end", () => void end()).on("error", () => void end());
  process.stdin.resume();
  // Ctrl-C in a terminal reaches the driver too, which then ends this process in its own time.
  process.on("SIGINT", () => {});
  process.stdout.write(`${head.address}\n`);
}
