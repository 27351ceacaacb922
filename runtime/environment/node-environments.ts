// What a node has made of runtime environments: copies of folders, Python environments, npm packages. Each is made once,
// under the name of its content, in the node's session folder, and goes with it.

import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PreparedEnvironment } from "../control/index.ts";
import type { RuntimeEnv } from "../core/index.ts";
import { RayError, RuntimeEnvSetupError } from "../errors/index.ts";
import { installNpm, installPip } from "./installers.ts";
import { packagePrefix } from "./job-environment.ts";
import { packageId, unpackFolder } from "./package-file.ts";
import type { PackagePart } from "./package-store.ts";

type Language = "typescript" | "python";

export interface NodeEnvironmentsOptions {
  readonly folder: string;
  /** The interpreter that a Python environment is made with. */
  python(): string;
  /** A part of a package, from the head. */
  fetch(id: string, offset: number): Promise<Omit<PackagePart, "id" | "offset"> | null>;
}

export class NodeEnvironments {
  readonly #options: NodeEnvironmentsOptions;
  readonly #made = new Map<string, Promise<string>>();

  constructor(options: NodeEnvironmentsOptions) {
    this.#options = options;
  }

  /** Whether there is something to be made for a host of this language. */
  static isNeeded({ workingDir, pip, npm }: RuntimeEnv, language: Language): boolean {
    const packages = language === "python" ? pip : npm;
    return workingDir?.startsWith(packagePrefix) === true || packages !== undefined;
  }

  /** Makes what is not there yet. Rejects with RuntimeEnvSetupError that has the installer's last lines. */
  async prepare(env: RuntimeEnv, language: Language): Promise<PreparedEnvironment> {
    const { workingDir, config } = env;
    const pip = language === "python" ? env.pip : undefined;
    const npm = language === "typescript" ? env.npm : undefined;
    const seconds = config?.setupTimeoutSeconds ?? 600;
    const signal = AbortSignal.timeout(seconds * 1000);
    const id = workingDir?.startsWith(packagePrefix) ? workingDir.slice(packagePrefix.length) : undefined;
    const making = Promise.all([
      id && this.#once("folder", [id], (folder) => this.#unpack(id, folder)),
      pip && this.#once("pip", pip, (folder) => installPip(pip, folder, this.#options.python(), signal)),
      npm && this.#once("npm", npm, (folder) => installNpm(npm, folder, signal)),
    ]);
    const late = new Promise<never>((_, reject) => {
      const message = `the runtime environment was not ready within ${seconds} s (config.setupTimeoutSeconds)`;
      signal.addEventListener("abort", () => reject(new RuntimeEnvSetupError(message)), { once: true });
    });
    const [folder, venv, packages] = await Promise.race([making, late]);
    return {
      ...(folder && { workingDir: folder }),
      ...(venv && { python: join(venv, "bin", "python") }),
      ...(packages && { packages }),
    };
  }

  /** One that failed is tried again by the next who needs it. */
  #once(kind: string, content: readonly string[], make: (folder: string) => Promise<void>): Promise<string> {
    const hash = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 24);
    const folder = join(this.#options.folder, `${kind}-${hash}`);
    let making = this.#made.get(folder);
    if (!making) {
      making = this.#make(folder, make);
      this.#made.set(folder, making);
      making.catch(() => this.#made.delete(folder));
    }
    return making;
  }

  async #make(folder: string, make: (folder: string) => Promise<void>): Promise<string> {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 });
    rmSync(folder, { recursive: true, force: true });
    try {
      await make(folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      if (error instanceof RayError) throw error;
      throw new RuntimeEnvSetupError(`the runtime environment cannot be made: ${String(error)}`, {}, { cause: error });
    }
    return folder;
  }

  async #unpack(id: string, folder: string): Promise<void> {
    const parts: Uint8Array[] = [];
    for (let offset = 0; ; ) {
      const part = await this.#options.fetch(id, offset);
      if (!part) throw new RuntimeEnvSetupError(`workingDir: the head has no package ${id} (any more)`);
      parts.push(part.data);
      offset += part.data.length;
      if (offset >= part.total || part.data.length === 0) break;
    }
    const bytes = Buffer.concat(parts);
    if (packageId(bytes) !== id) throw new RuntimeEnvSetupError(`workingDir: package ${id} arrived incomplete`);
    unpackFolder(bytes, folder);
  }
}
