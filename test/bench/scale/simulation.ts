/** A real head with simulated nodes: started, watched, killed and started again. */

import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatorCounts, SimulatorSettings } from "./simulator.ts";

const root = resolve(import.meta.dirname, "..", "..", "..");
const typescript = join(root, "runtime", "typescript", "index.js");

export class Simulation {
  readonly #folder = mkdtempSync(join(tmpdir(), "astune-scale-"));
  #head: ChildProcess | undefined;
  #simulator: ChildProcess | undefined;
  address = "127.0.0.1:0";

  get tokenFile(): string {
    return join(this.#folder, "token");
  }

  get headPid(): number {
    return this.#head?.pid ?? 0;
  }

  /** Starts the head, also again where it was and with what it has stored; done when it is ready. */
  async startHead(): Promise<void> {
    const flags = ["--port", this.address.split(":")[1] ?? "0", "--state-dir", join(this.#folder, "head")];
    const { ASTUNE_ADDRESS: _, ASTUNE_AUTH_TOKEN: __, ...rest } = process.env;
    const head = spawn(process.execPath, [join(root, "bin", "astune-head.js"), "start", ...flags], {
      env: { ...rest, ASTUNE_STATE_DIR: this.#folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#head = head;
    let output = "";
    this.address = await new Promise((done, failed) => {
      head.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const found = output.match(/ready at (\S+)/)?.[1];
        if (found !== undefined) done(found);
      });
      head.stderr.setEncoding("utf8").on("data", (text: string) => {
        // The log of joins is not of interest; the end of it is, where the head ends.
        output = (output + text).slice(-5_000);
      });
      head.on("exit", (code, signal) => failed(new Error(`the head has ended (${code ?? signal}): ${output}`)));
    });
  }

  /** As `kill -9`. */
  async killHead(): Promise<void> {
    const gone = this.#head && once(this.#head, "exit");
    this.#head?.kill("SIGKILL");
    await gone;
  }

  /** Starts the nodes; done when all have joined. */
  async startNodes(nodes: number, cpus: number): Promise<void> {
    const token = readFileSync(this.tokenFile, "utf8").trim();
    const settings: SimulatorSettings = { headAddress: this.address, token, nodes, cpus };
    const program = join(import.meta.dirname, "simulator.ts");
    this.#simulator = fork(program, [JSON.stringify(settings)], { execArgv: ["--import", typescript] });
    await this.until(({ joined }) => joined === nodes);
  }

  async counts(): Promise<SimulatorCounts> {
    const simulator = this.#simulator;
    if (!simulator?.connected) throw new Error("the simulated nodes are gone");
    const answer = once(simulator, "message");
    simulator.send("counts");
    const counts = (await answer)[0] as SimulatorCounts;
    if (counts.failure !== "") throw new Error(`a simulated node failed: ${counts.failure}`);
    return counts;
  }

  /** The counts as soon as they are as wanted. `named` are those since the last look. */
  async until(wanted: (counts: SimulatorCounts) => boolean): Promise<SimulatorCounts> {
    for (;;) {
      const counts = await this.counts();
      if (wanted(counts)) return counts;
      await sleep(20);
    }
  }

  async close(): Promise<void> {
    for (const child of [this.#simulator, this.#head]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
