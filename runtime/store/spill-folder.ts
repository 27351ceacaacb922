// Objects on disk while memory has no room for them.
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { OutOfDiskError } from "../errors/index.ts";

const chunkBytes = 8 * 1024 * 1024;

export class SpillFolder {
  readonly folder: string;
  #count = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies the first `bytes` of a segment to a new file here. Throws OutOfDiskError. */
  async write(segmentPath: string, bytes: number): Promise<string> {
    this.#count += 1;
    const file = join(this.folder, String(this.#count));
    try {
      await copy(segmentPath, file, "wx", bytes);
      return file;
    } catch (error) {
      await this.remove(file);
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      const message = `no room on the disk of ${this.folder} for an object of ${bytes} bytes: free some, or spill elsewhere`;
      throw new OutOfDiskError(message, { folder: this.folder, bytes }, { cause: error });
    }
  }

  read(file: string, segmentPath: string, bytes: number): Promise<void> {
    return copy(file, segmentPath, "r+", bytes);
  }

  remove(file: string): Promise<void> {
    return rm(file, { force: true });
  }
}

async function copy(from: string, to: string, flags: string, bytes: number): Promise<void> {
  const source = await open(from, "r");
  try {
    const target = await open(to, flags, 0o600);
    try {
      await copyBytes(source, target, bytes);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyBytes(source: FileHandle, target: FileHandle, bytes: number): Promise<void> {
  const chunk = Buffer.allocUnsafe(Math.min(bytes, chunkBytes));
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.byteLength, bytes - at), at);
    if (bytesRead === 0) throw new Error(`a spilled object ends at ${at} of ${bytes} bytes`);
    for (let done = 0; done < bytesRead; ) {
      done += (await target.write(chunk, done, bytesRead - done, at + done)).bytesWritten;
    }
    at += bytesRead;
  }
}
