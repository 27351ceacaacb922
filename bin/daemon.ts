/** Programs in the background: started once more without `--daemon`, with their output in a file. */

import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../configs/index.ts";
import { stateFolder } from "../runtime/processes/index.ts";

/** Starts `argv` again in the background; done when it says that it is ready. Throws with its last lines where it ends before. */
export async function inBackground(name: string, argv: readonly string[]): Promise<void> {
  const logs = join(stateFolder(), "logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const file = join(logs, `${name}-${new Date().toISOString().replaceAll(":", "")}.log`);
  const output = openSync(file, "a", 0o600);
  const args = argv.slice(1).filter((arg) => arg !== "--daemon");
  const child = spawn(argv[0] as string, args, { detached: true, stdio: ["ignore", output, output, "ipc"] });
  await new Promise<void>((resolve, reject) => {
    child.on("message", () => resolve());
    child.on("error", reject);
    child.on("exit", (code) => {
      const last = readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
      const why = last.replace(new RegExp(`^${name}: `), "");
      reject(
        new UserError({ where: name, expected: "to start", found: `exit code ${code}: ${why}`, fix: `see ${file}` }),
      );
    });
  });
  child.disconnect();
  child.unref();
  process.stdout.write(`${name} runs in the background (process ${child.pid}), log: ${file}\n`);
}

/** Tells whoever started this program in the background that it is ready. */
export function isReady(): void {
  process.send?.("ready");
  if (process.connected) process.disconnect();
}
