// The packages of a cluster, in files beside the head's state: they must be there when an actor is made again, whoever sent
// them.

import { createHash } from "node:crypto";
import { constants, createReadStream, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RaySystemError } from "../errors/index.ts";

/** `putPackage`: a part of a package, in order. `getPackage` asks without `data`; null where there is none such. */
export interface PackagePart {
  readonly id: string;
  readonly offset: number;
  /** Of the whole package. */
  readonly total: number;
  readonly data: Uint8Array;
}

export const partBytes = 2 ** 20;
const mostTotal = 2 ** 28;

export class PackageStore {
  readonly #folder: string;
  readonly #capacity: number;
  /** What is being written, by id: parts of one package in the order in which they came. */
  readonly #writing = new Map<string, Promise<void>>();

  /** Packages beyond `capacity` bytes are given up, those first that were not read for the longest time. */
  constructor(folder: string, capacity = 2 ** 31) {
    this.#folder = folder;
    this.#capacity = capacity;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) if (name.endsWith(".part")) rmSync(join(folder, name));
  }

  /** Done when the part is kept; of the last one, when the package is complete. Rejects with RaySystemError. */
  async put(part: PackagePart): Promise<null> {
    const file = this.#file(part.id);
    const writing = (this.#writing.get(part.id) ?? Promise.resolve()).then(() => this.#write(part, file));
    this.#writing.set(
      part.id,
      writing.catch(() => undefined),
    );
    await writing;
    return null;
  }

  /** Bytes of a package, or null where it is not here. */
  async get({ id, offset }: Pick<PackagePart, "id" | "offset">): Promise<Omit<PackagePart, "id" | "offset"> | null> {
    const path = this.#file(id);
    // Its parts have come before the question, and may not be written yet.
    await this.#writing.get(id);
    const file = await open(path).catch(() => undefined);
    if (!file) return null;
    try {
      const { size } = await file.stat();
      const data = Buffer.alloc(Math.max(0, Math.min(partBytes, size - offset)));
      await file.read(data, 0, data.length, offset);
      if (offset === 0) await utimes(path, new Date(), new Date());
      return { total: size, data };
    } finally {
      await file.close();
    }
  }

  async #write({ id, offset, total, data }: PackagePart, file: string): Promise<void> {
    if (statSync(file, { throwIfNoEntry: false })) return;
    if (!(total <= mostTotal && offset >= 0 && offset + data.length <= total)) {
      throw new RaySystemError(`package ${id}: ${total} bytes are more than the ${mostTotal} that one may have`);
    }
    const part = `${file}.part`;
    // Two that send the same package write the same bytes.
    const handle = await open(part, constants.O_CREAT | constants.O_RDWR, 0o600);
    try {
      await handle.write(data, 0, data.length, offset);
    } finally {
      await handle.close();
    }
    if (offset + data.length < total) return;
    const hash = createHash("sha256");
    await pipeline(createReadStream(part), hash);
    if (hash.digest("hex") !== id) {
      await rm(part);
      throw new RaySystemError(`package ${id} arrived incomplete`);
    }
    await rename(part, file);
    await this.#makeRoom(id);
    this.#writing.delete(id);
  }

  async #makeRoom(keep: string): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => !name.endsWith(".part"));
    const files = await Promise.all(names.map(async (name) => ({ name, ...(await stat(join(this.#folder, name))) })));
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.#capacity) return;
      if (name === keep) continue;
      await rm(join(this.#folder, name));
      total -= size;
    }
  }

  #file(id: unknown): string {
    if (typeof id !== "string" || !/^[0-9a-f]{64}$/.test(id)) throw new RaySystemError("this is not a package's id");
    return join(this.#folder, id);
  }
}
