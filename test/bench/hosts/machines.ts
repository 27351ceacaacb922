/**
 * Machines for a benchmark on one computer: each has a network address, a shared memory, a temporary folder and a state
 * folder of its own. The disk is common to all, as a shared file system would be.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { markedProcesses } from "../../../runtime/processes/index.ts";
import { Network, type NetworkHost } from "../../fixtures/network.ts";

/** What is there on a machine. */
export interface Belongings {
  /** Processes that carry the machine's mark. */
  readonly processes: readonly number[];
  /** `address:port` that somebody listens at. */
  readonly ports: readonly string[];
  /** Files of its shared memory. */
  readonly segments: readonly string[];
  /** Files and folders in its temporary folder. */
  readonly temporary: readonly string[];
}

/** PyTorch's cache is its own; and the folder that all sessions of a user lie in stays. */
const isOurs = (path: string): boolean =>
  !/^(torchinductor_\w+|astune-\d+)$/.test(path.split("/")[0] ?? "") || /^astune-\d+\/./.test(path);

export class Machine {
  readonly host: NetworkHost;
  readonly env: NodeJS.ProcessEnv;
  readonly #state: string;
  readonly #temporary: string;
  /** Keeps the machine's shared memory there while none of its programs runs. */
  readonly #keeper: ChildProcess;

  constructor(host: NetworkHost, folder: string, env: NodeJS.ProcessEnv) {
    this.host = host;
    this.#state = join(folder, "state");
    this.#temporary = join(folder, "tmp");
    for (const each of [this.#state, this.#temporary]) mkdirSync(each, { recursive: true });
    this.env = { ...env, ASTUNE_STATE_DIR: this.#state, TMPDIR: this.#temporary };
    const [command = "", ...rest] = [
      ...host.within,
      "sh",
      "-c",
      "mount -t tmpfs tmpfs /dev/shm && exec sleep infinity",
    ];
    this.#keeper = spawn(command, rest, { stdio: "ignore" });
  }

  /** The command that runs another one on this machine, in this working folder. */
  get within(): readonly string[] {
    const enter = 'cd "$0" && exec "$@"';
    return ["nsenter", "-t", String(this.#keeper.pid), "--mount", "--net", "sh", "-c", enter, process.cwd()];
  }

  /** Done when the machine has its own shared memory. */
  async ready(): Promise<void> {
    while (!this.#run("cat", "/proc/mounts").includes("tmpfs /dev/shm tmpfs rw,relatime")) {
      if (this.#keeper.exitCode !== null)
        throw new Error("hosts: a machine could not mount a shared memory of its own");
      await sleep(20);
    }
  }

  belongings(): Belongings {
    const listening = this.#run("ss", "-ltnH").split("\n");
    return {
      processes: markedProcesses("ASTUNE_STATE_DIR", this.#state),
      ports: listening.flatMap((line) => line.split(/\s+/)[3] ?? []),
      segments: this.#run("find", "/dev/shm", "-type", "f").split("\n").filter(Boolean),
      temporary: readdirSync(this.#temporary, { recursive: true }).map(String).filter(isOurs),
    };
  }

  /** Breaks every connection of this machine with another: both ends are told, and what was under way is lost. */
  breakConnections(): void {
    this.#run("ss", "-K", "-t", "state", "established", "dst", "10.77.0.0/16");
  }

  end(): void {
    for (const pid of markedProcesses("ASTUNE_STATE_DIR", this.#state)) process.kill(pid, "SIGKILL");
    this.#keeper.kill("SIGKILL");
  }

  #run(...command: readonly string[]): string {
    const [program = "", ...args] = [...this.within, ...command];
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  }
}

export class Machines {
  readonly all: readonly Machine[];
  readonly #network: Network;

  private constructor(network: Network, all: readonly Machine[]) {
    this.#network = network;
    this.all = all;
  }

  /** Machines on a bridge, whose private files lie in `folder`. */
  static async open(count: number, folder: string, env: NodeJS.ProcessEnv): Promise<Machines> {
    const network = Network.open(count);
    const all = network.hosts.map((host, index) => new Machine(host, join(folder, `machine-${index}`), env));
    await Promise.all(all.map((machine) => machine.ready()));
    return new Machines(network, all);
  }

  close(): void {
    for (const machine of this.all) machine.end();
    this.#network.close();
  }
}
