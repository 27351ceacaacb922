/** A cluster of three machines (a head, two workers with pretended GPUs), and runs of the quickstart on it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type ActorState, init, listActors, shutdown } from "../../../runtime/index.ts";
import { ClusterProgram } from "../../fixtures/cluster.ts";
import { type Machine, Machines } from "./machines.ts";

const CONFIGURATION = resolve(import.meta.dirname, "..", "..", "..", "configs", "quickstart.yaml");
/** Of each worker: what the machine really has is shared by all three. */
const WORKER = { cpus: 8, gpus: 4 };
/** What of the quickstart's configuration is another here. Forward passes are in bfloat16 where GPUs are, also pretended ones. */
const SETTINGS = ["model.dtype=float32", "trainer_common.nnodes=2", "trainer_common.trinity_only__n_vllm_engine=1"];

export interface TrainingSettings {
  readonly seed: number;
  readonly name: string;
  /** Further keys of the configuration, `key=value`. */
  readonly set: readonly string[];
}

/** A run that was submitted, and what its command prints. */
export interface Training {
  readonly command: ClusterProgram;
  readonly folder: string;
}

export class HostsCluster {
  readonly folder: string;
  readonly workers: ClusterProgram[] = [];
  head!: ClusterProgram;
  address = "";
  #machines!: Machines;
  readonly #nodeIds: string[] = [];

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "astune-h-"));
  }

  /** Starts the machines, the head and the workers, and connects this process as a driver. */
  static async start(): Promise<HostsCluster> {
    const cluster = new HostsCluster();
    const { ASTUNE_ADDRESS: _, ASTUNE_AUTH_TOKEN: __, ...env } = process.env;
    writeFileSync(cluster.#tokenFile, "0123456789abcdef0123456789abcdef\n", { mode: 0o600 });
    cluster.#machines = await Machines.open(3, cluster.folder, env);
    await cluster.startHead();
    await Promise.all([0, 1].map((index) => cluster.startWorker(index)));
    await init({ address: cluster.address, tokenFile: cluster.#tokenFile, namespace: "bench" });
    return cluster;
  }

  get #tokenFile(): string {
    return join(this.folder, "token");
  }

  get machines(): readonly Machine[] {
    return this.#machines.all;
  }

  /** The machine of a worker. */
  machineOf(worker: number): Machine {
    return this.machines[worker + 1] as Machine;
  }

  async startHead(): Promise<void> {
    const port = this.address.split(":")[1] ?? "0";
    const [machine] = this.machines as [Machine];
    const flags = ["--host", machine.host.address, "--port", port, "--token-file", this.#tokenFile];
    this.head = new ClusterProgram("astune-head", ["start", ...flags], machine.env, machine.within);
    this.address = await this.head.says(/ready at (\S+)/);
  }

  async startWorker(index: number): Promise<void> {
    const machine = this.machineOf(index);
    const flags = ["--cpus", String(WORKER.cpus), "--gpus", String(WORKER.gpus), "--warm-hosts", "1"];
    flags.push("--token-file", this.#tokenFile);
    const worker = new ClusterProgram("astune-worker", ["join", this.address, ...flags], machine.env, machine.within);
    this.workers[index] = worker;
    this.#nodeIds[index] = await worker.says(/node (\S+) has joined/);
  }

  /** The live actors of a class, and on which worker each is. */
  async actors(className: string): Promise<readonly (ActorState & { readonly worker: number })[]> {
    const live = (await listActors()).filter((actor) => actor.className === className && actor.state === "ALIVE");
    return live.map((actor) => ({ ...actor, worker: this.#nodeIds.indexOf(actor.nodeId ?? "") }));
  }

  /** Submits the quickstart from the head's machine. */
  train({ seed, name, set }: TrainingSettings): Training {
    const [machine] = this.machines as [Machine];
    const experiments = join(this.folder, "experiments");
    mkdirSync(experiments, { recursive: true });
    const settings = [...SETTINGS, `seed=${seed}`, `experiment_dir=${experiments}`, `experiment_name=${name}`, ...set];
    const flags = ["--address", this.address, "--token-file", this.#tokenFile, "--backbone", "trinity"];
    const command = new ClusterProgram(
      "astune",
      ["submit", CONFIGURATION, ...flags, ...settings.flatMap((setting) => ["--set", setting])],
      machine.env,
      machine.within,
    );
    return { command, folder: join(experiments, name) };
  }

  /** Stops workers and head as their users would; those that a fault has ended are left as they are. */
  async stop(): Promise<void> {
    await shutdown();
    await Promise.all(this.workers.map((worker) => worker.signal("SIGTERM")));
    await this.head.signal("SIGTERM");
  }

  /** Ends what is left, and removes everything. */
  async close(): Promise<void> {
    await shutdown().catch(() => undefined);
    this.#machines.close();
    for (const program of [...this.workers, this.head]) await program.signal("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
