// The node's pools of hosts: one for each language, there from when it is needed.
import { fileURLToPath } from "node:url";
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
}

export class HostPools {
  readonly #options: HostPoolsOptions;
  #typescript: Promise<HostPool> | undefined;
  #python: Promise<HostPool> | undefined;

  constructor(options: HostPoolsOptions) {
    this.#options = options;
    if (options.warmHosts > 0) void this.of("typescript");
  }

  /** The pool of a language. That of Python keeps one host ready from its first use. */
  of(language: "typescript" | "python"): Promise<HostPool> {
    if (language === "python") this.#python ??= this.#pythonPool();
    else this.#typescript ??= this.#typescriptPool();
    return (language === "python" ? this.#python : this.#typescript) as Promise<HostPool>;
  }

  /** A host has introduced itself. */
  async introduced(hostId: string, peer: Peer, address: string): Promise<void> {
    for (const pool of [this.#typescript, this.#python]) (await pool)?.get(hostId)?.introduced(peer, address);
  }

  /** Every host that runs, of either language. */
  async all(): Promise<readonly HostProcess[]> {
    const pools = await Promise.all([this.#typescript, this.#python]);
    return pools.flatMap((pool) => pool?.all ?? []);
  }

  async close(): Promise<void> {
    await Promise.all([this.#typescript, this.#python].map(async (pool) => (await pool)?.close()));
  }

  async #typescriptPool(): Promise<HostPool> {
    const { token, warmHosts, settings } = this.#options;
    const bundle = await bundleOf(fileURLToPath(new URL("../host/serve.ts", import.meta.url)));
    return new HostPool({ token, size: warmHosts, bundle: bundle ?? "", settings });
  }

  async #pythonPool(): Promise<HostPool> {
    const { token, python, settings } = this.#options;
    return new HostPool({ token, size: 1, bundle: "", settings, program: pythonHost(python ?? hostPython()) });
  }
}
