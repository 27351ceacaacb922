/** What is attacked: a head, a worker, hosts in both languages, a driver at work, an episode's proxy and a run's page. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listActors } from "../../../runtime/index.ts";
import { Cluster } from "../../fixtures/cluster.ts";
import { ProcessWatch, watchedEnvironment } from "../watch/process-watch.ts";
import { listeningOf } from "./ports.ts";

const runner = join(import.meta.dirname, "..", "..", "fixtures", "drivers", "run.js");

/** A process of the stage: everything it listens at is a port that is attacked. */
export interface Actor {
  readonly name: string;
  readonly pid: number;
  readonly speaks: "link" | "http";
  readonly role: "head" | "node" | "host";
  readonly addresses: readonly string[];
}

export class Program {
  readonly child: ChildProcess;
  output = "";

  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, [runner, join(import.meta.dirname, file), ...args], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output = `${this.output}${text}`.slice(-50_000);
      });
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The latest that it has said with this word. */
  last<T>(word: string): T | undefined {
    const line = [...this.output.matchAll(new RegExp(`^${word} (.*)$`, "gm"))].at(-1)?.[1];
    return line === undefined ? undefined : (JSON.parse(line) as T);
  }

  async says<T>(word: string): Promise<T> {
    for (;;) {
      const said = this.last<T>(word);
      if (said !== undefined) return said;
      if (this.child.exitCode !== null) throw new Error(`it has ended: ${this.output}`);
      await sleep(50);
    }
  }
}

export interface Served {
  readonly url: string;
  readonly key: string;
}

export class Stage {
  readonly cluster: Cluster;
  /** Its clock begins when everything is there. */
  watch: ProcessWatch;
  readonly canaries: string;
  readonly #probes: string;
  actors: Actor[] = [];
  driver!: Program;
  proxy!: Program;
  page!: Program;
  hostIds: Record<string, string> = {};
  nodeId = "";

  private constructor(cluster: Cluster, probes: string, canaries: string) {
    this.cluster = cluster;
    this.watch = new ProcessWatch(probes);
    this.#probes = probes;
    this.canaries = canaries;
  }

  static async open(everySeconds: number): Promise<Stage> {
    const cluster = await Cluster.start();
    const [probes, canaries] = [join(cluster.folder, "probes"), join(cluster.folder, "canaries")];
    mkdirSync(probes);
    mkdirSync(canaries);
    Object.assign(cluster.env, watchedEnvironment(probes, everySeconds, true));
    await cluster.head.signal("SIGTERM");
    await cluster.startHead();
    await cluster.addNode({ cpus: 4, gpus: 2, warmHosts: 1 });
    const stage = new Stage(cluster, probes, canaries);
    await stage.#fill();
    return stage;
  }

  get driverRounds(): number {
    return Number(this.driver.output.match(/ROUND (\d+) (?![\s\S]*ROUND)/)?.[1] ?? 0);
  }

  async close(): Promise<void> {
    for (const program of [this.driver, this.proxy, this.page]) program.child.kill("SIGKILL");
    await this.cluster.close();
  }

  async #fill(): Promise<void> {
    const { cluster } = this;
    this.proxy = new Program("proxy.ts", ["proxy"], cluster.env);
    this.page = new Program("proxy.ts", ["page"], cluster.env);
    this.driver = new Program("driver.ts", [cluster.address, cluster.tokenFile], cluster.env);
    const working = await this.driver.says<{ nodeId: string; steady: number; counter: number }>("WORKING");
    this.nodeId = working.nodeId;
    await Promise.all([this.proxy.says("SERVING"), this.page.says("SERVING")]);
    await cluster.connect();
    for (const { actorId, name } of await listActors()) if (name) this.hostIds[name] = `${actorId}#0`;
    this.watch = new ProcessWatch(this.#probes);
    this.#add("head", cluster.head.pid, "link", "head");
    this.#add("worker", cluster.nodes[0]?.pid ?? 0, "link", "node");
    this.#add("TypeScript host", working.steady, "link", "host");
    if (working.counter > 0) this.#add("Python host", working.counter, "link", "host");
    this.#add("driver", this.driver.pid, "link", "host");
    this.#add("episode's proxy", this.proxy.pid, "http", "host");
    this.#add("run's page", this.page.pid, "http", "host");
  }

  #add(name: string, pid: number, speaks: Actor["speaks"], role: Actor["role"]): void {
    this.watch.add(name, pid);
    this.actors.push({ name, pid, speaks, role, addresses: listeningOf(pid) });
  }
}
