// A driver's own cluster, where there is none to connect to: started with it, and ended with it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { RaySystemError } from "../errors/index.ts";
import type { MachineOptions } from "../placement/index.ts";
import type { StandaloneSettings } from "./serve.ts";

export interface Standalone {
  readonly address: string;
  readonly token: string;
  /** Done when it has ended, by itself or by `close`. */
  readonly ended: Promise<Error>;
  /** Ends it and all that runs on it. */
  close(): Promise<void>;
}

const main = fileURLToPath(new URL("main.js", import.meta.url));

/**
 * Starts a head and a node on this machine, which keeps `warmHosts` processes ready. Rejects with what the process said
 * where it does not come up.
 */
export async function startStandalone(machine: MachineOptions, warmHosts?: number): Promise<Standalone> {
  const folder = mkdtempSync(join(tmpdir(), "astune-own-"));
  const settings: StandaloneSettings = {
    folder: join(folder, "head"),
    tokenFile: join(folder, "token"),
    machine,
    warmHosts,
  };
  const child = spawn(process.execPath, [main, JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ASTUNE_AUTH_TOKEN: "" },
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2_000);
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const address = await Promise.race([
    once(lines, "line").then(([line]) => line as string),
    exited.then(() => {
      throw new RaySystemError(`the cluster of this driver did not start: ${errors.trim()}`);
    }),
  ]);
  // Neither the process nor its pipes keep the driver from ending.
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as unknown as { unref(): void }).unref();
  return {
    address,
    token: readFileSync(settings.tokenFile, "utf8").trim(),
    ended: exited.then(([code, signal]) => {
      const how = code === null ? `signal ${String(signal)}` : `exit code ${String(code)}`;
      return new RaySystemError(`the cluster of this driver has ended (${how}): ${errors.trim()}`);
    }),
    async close() {
      if (child.exitCode === null && child.signalCode === null) child.ref();
      child.stdin.end();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
