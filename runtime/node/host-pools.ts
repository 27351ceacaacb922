// The node's pools of hosts: one for each language, there from when it is needed.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreparedEnvironment } from "../control/index.ts";
import type { RuntimeEnv } from "../core/index.ts";
import { NodeEnvironments, type PackagePart } from "../environment/index.ts";
import type { Peer } from "../transport/index.ts";
import { bundleOf } from "../typescript/bundle.js";
import { HostPool } from "./host-pool.ts";
import type { HostProcess, HostSettings } from "./host-process.ts";
import { hostPython, pythonHost } from "./python-host.ts";

export interface HostPoolsOptions {
  readonly token: string;
  /** TypeScript hosts that are kept ready. */
  readonly warmHosts: number;
  /** The interpreter of the Python hosts. Default: `hostPython()`. */
  readonly python: string | undefined;
  settings(hostId: string): HostSettings;
  readonly sessionFolder: string;
  /** A part of a package, from the head. */
  fetch(id: string, offset: number): Promise<Omit<PackagePart, "id" | "offset"> | null>;
}

type Language = "typescript" | "python";

/** A host for an actor or for tasks, and what it is to be told. */
interface Taken<Start> {
  readonly host: HostProcess;
  readonly pool: HostPool;
  readonly given: Start & { readonly prepared?: PreparedEnvironment };
}

export class HostPools {
  readonly #options: HostPoolsOptions;
  #typescript: Promise<HostPool> | undefined;
  #python: Promise<HostPool> | undefined;
  /** Of Python environments that were made, by interpreter. */
  readonly #made = new Map<string, HostPool>();

  readonly #environments: NodeEnvironments;

  constructor(options: HostPoolsOptions) {
    this.#options = options;
    const folder = join(options.sessionFolder, "environments");
    this.#environments = new NodeEnvironments({ folder, python: () => this.#pythonPath, fetch: options.fetch });
    if (options.warmHosts > 0) void this.of("typescript");
  }

  /** A host in the environment that is asked for. Rejects where it cannot be made, or no host can be started. */
  async take<Start extends { readonly runtimeEnv: RuntimeEnv }>(
    language: Language,
    start: Start,
  ): Promise<Taken<Start>> {
    const { runtimeEnv } = start;
    let given: Taken<Start>["given"] = start;
    let pool: HostPool | undefined;
    if (NodeEnvironments.isNeeded(runtimeEnv, language)) {
      const prepared = await this.#environments.prepare(runtimeEnv, language);
      given = { ...start, prepared };
      if (prepared.python !== undefined) pool = this.#poolOf(prepared.python);
    }
    pool ??= await this.of(language);
    return { host: await pool.take(), pool, given };
  }

  /** The pool of a language. That of Python keeps one host ready from its first use. */
  of(language: Language): Promise<HostPool> {
    if (language === "python") this.#python ??= this.#pythonPool();
    else this.#typescript ??= this.#typescriptPool();
    return (language === "python" ? this.#python : this.#typescript) as Promise<HostPool>;
  }

  /** A host has introduced itself. */
  async introduced(hostId: string, peer: Peer, address: string): Promise<void> {
    for (const pool of this.#all()) (await pool)?.get(hostId)?.introduced(peer, address);
  }

  /** Every host that runs, of either language. */
  async all(): Promise<readonly HostProcess[]> {
    const pools = await Promise.all(this.#all());
    return pools.flatMap((pool) => pool?.all ?? []);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all().map(async (pool) => (await pool)?.close()));
  }

  async #typescriptPool(): Promise<HostPool> {
    const { token, warmHosts, settings } = this.#options;
    const bundle = await bundleOf(fileURLToPath(new URL("../host/serve.ts", import.meta.url)));
    return new HostPool({ token, size: warmHosts, bundle: bundle ?? "", name: "", settings });
  }

  async #pythonPool(): Promise<HostPool> {
    const { token, settings } = this.#options;
    return new HostPool({ token, size: 1, bundle: "", name: "p", settings, program: pythonHost(this.#pythonPath) });
  }

  get #pythonPath(): string {
    return this.#options.python ?? hostPython();
  }

  /** Of an environment of its own: no host is kept ready. */
  #poolOf(python: string): HostPool {
    const { token, settings } = this.#options;
    let pool = this.#made.get(python);
    if (!pool) {
      const name = `p${this.#made.size + 1}-`;
      pool = new HostPool({ token, size: 0, bundle: "", name, settings, program: pythonHost(python) });
      this.#made.set(python, pool);
    }
    return pool;
  }

  #all(): readonly (Promise<HostPool> | HostPool | undefined)[] {
    return [this.#typescript, this.#python, ...this.#made.values()];
  }
}
