// The environment of a job, as the process sees it that makes actors and submits tasks: what the job's and an actor's own
// are together, with folders of this machine sent to the head under the id of their content.
import { statSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";
import { type CodeRef, fileOfRef } from "../code/index.ts";
import { mergeRuntimeEnv, noRuntimeEnv, type RuntimeEnv } from "../core/index.ts";
import { packFolder } from "./package-file.ts";
import { type PackagePart, partBytes } from "./package-store.ts";

/** Stands before a package's id where a folder's path may stand. */
export const packagePrefix = "package:";

/** Asks the head; what is asked later is answered later. */
export type AskHead = (method: "putPackage", part: PackagePart) => Promise<unknown>;

export class JobEnvironment {
  readonly #job: RuntimeEnv;
  readonly #ask: AskHead;
  /** By what the user has given: it is the same object for all calls of one `.options(…)`. */
  readonly #known = new WeakMap<RuntimeEnv, RuntimeEnv>();
  /** Folders that were sent, by path and what was left out; the packages' folders, by id. */
  readonly #sent = new Map<string, string>();
  readonly #folders = new Map<string, string>();

  /** `job`: what all actors and tasks have where their own says nothing else. */
  constructor(job: RuntimeEnv, ask: AskHead) {
    this.#ask = ask;
    this.#job = this.#packed(job);
  }

  /** What travels. Throws RuntimeEnvSetupError where a folder cannot be sent. */
  of(own: RuntimeEnv): RuntimeEnv {
    let known = this.#known.get(own);
    if (!known) {
      known = mergeRuntimeEnv(this.#job, this.#packed(own));
      this.#known.set(own, known);
    }
    return known;
  }

  /** Where the code is in the environment: that of a folder that is sent is found in the copy. */
  rooted(ref: CodeRef, env: RuntimeEnv): CodeRef {
    const folder = this.#folders.get(env.workingDir ?? "");
    if (folder === undefined || ref.root === "python" || ref.root === "package") return ref;
    const path = relative(folder, fileOfRef(ref));
    return path.startsWith("..") || isAbsolute(path) ? ref : { ...ref, root: "workingDir", path };
  }

  #packed(env: RuntimeEnv): RuntimeEnv {
    const { workingDir, excludes = [], ...rest } = env;
    if (workingDir === undefined || workingDir.startsWith(packagePrefix) || !isFolder(workingDir)) return env;
    const folder = resolve(workingDir);
    const key = JSON.stringify([folder, ...excludes]);
    let id = this.#sent.get(key);
    if (id === undefined) {
      const packed = packFolder(folder, excludes);
      id = `${packagePrefix}${packed.id}`;
      this.#send(packed.id, packed.bytes);
      this.#sent.set(key, id);
      this.#folders.set(id, folder);
    }
    return { ...rest, workingDir: id };
  }

  /** What is made with it is told the head after it. One that the head refuses shows where a node asks for it. */
  #send(id: string, bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length; offset += partBytes) {
      const data = bytes.subarray(offset, offset + partBytes);
      this.#ask("putPackage", { id, offset, total: bytes.length, data }).catch(() => {});
    }
  }
}

/** What the code inside a host gives to what it makes: a folder that only its own node may have is not part of it. */
export function inherited(env: RuntimeEnv): RuntimeEnv {
  const { workingDir, ...rest } = env;
  const given = workingDir?.startsWith(packagePrefix) ? env : rest;
  return Object.keys(given).length === 0 ? noRuntimeEnv : given;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
