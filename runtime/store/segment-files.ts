// The files behind segments, all in one folder of shared memory.
import { closeSync, openSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { memory } from "./memory.ts";

/** Makes and removes the files that a pool keeps. */
export interface SegmentFiles {
  /** The file is there with all its pages. Throws with code ENOSPC where the folder has no room. */
  create(name: string, bytes: number): Promise<void>;
  remove(name: string): void;
}

export class SharedMemoryFiles implements SegmentFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async create(name: string, bytes: number): Promise<void> {
    const { allocate } = await memory();
    const path = join(this.folder, name);
    const fd = openSync(path, "wx+", 0o600);
    try {
      await allocate(fd, bytes);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** The memory is free at once, even where a process still has the file mapped to write the next object into it. */
  remove(name: string): void {
    const path = join(this.folder, name);
    truncateSync(path);
    rmSync(path);
  }
}
