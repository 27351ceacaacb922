/**
 * Follows one growing JSONL file: yields each complete line once, with its place in the file. The file is read in
 * pieces, so its size does not matter; only one line is held at a time. A last line without a line end is left for the
 * next call. A file that was shortened or replaced is noticed, and the caller starts again.
 */

import { type FileHandle, open } from "node:fs/promises";

const pieceBytes = 1 << 20;
/** As much of what was last read as is compared to tell an appended file from a rewritten one. */
const rememberedBytes = 64;
const lineFeed = 0x0a;

/** One complete line and where it lies. `length` is in bytes, without the line end. */
export interface Line {
  readonly text: string;
  readonly offset: number;
  readonly length: number;
}

/** What one call of `JsonlTail.read` found. */
export type TailOutcome = "same" | "grown" | "rewritten" | "absent";

/** A reader's position in one file. */
export class JsonlTail {
  readonly path: string;
  #offset = 0;
  #inode = 0;
  #size = -1;
  #modifiedMs = 0;
  #remembered: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.path = path;
  }

  /** When the file was last written, as of the last call; 0 before. */
  get modifiedMs(): number {
    return this.#modifiedMs;
  }

  /**
   * Hands over the lines that were completed since the last call. `rewritten` means that nothing was handed over, what
   * came before is void, and the next call begins at the start. Lets other work run between pieces.
   */
  async read(onLine: (line: Line) => void): Promise<TailOutcome> {
    let file: FileHandle;
    try {
      file = await open(this.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      if (this.#size < 0) return "absent";
      this.#reset();
      return "rewritten";
    }
    try {
      const { size, ino, mtimeMs } = await file.stat();
      if (size === this.#size && ino === this.#inode && mtimeMs === this.#modifiedMs) return "same";
      if (this.#size >= 0 && (ino !== this.#inode || size < this.#offset || !(await this.#continues(file)))) {
        this.#reset();
        return "rewritten";
      }
      const before = this.#offset;
      await this.#readLines(file, size, onLine);
      this.#inode = ino;
      this.#size = size;
      this.#modifiedMs = mtimeMs;
      return this.#offset === before ? "same" : "grown";
    } finally {
      await file.close();
    }
  }

  #reset(): void {
    this.#offset = 0;
    this.#size = -1;
    this.#remembered = Buffer.alloc(0);
  }

  /** Whether what lies before the position is still what was read there. */
  async #continues(file: FileHandle): Promise<boolean> {
    const length = this.#remembered.length;
    if (length === 0) return true;
    const found = Buffer.alloc(length);
    await file.read(found, 0, length, this.#offset - length);
    return found.equals(this.#remembered);
  }

  async #readLines(file: FileHandle, size: number, onLine: (line: Line) => void): Promise<void> {
    let unfinished: Buffer[] = [];
    let unfinishedBytes = 0;
    let position = this.#offset;
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - position));
    while (position < size) {
      const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, size - position), position);
      if (bytesRead === 0) break;
      position += bytesRead;
      let start = 0;
      for (;;) {
        const end = piece.subarray(0, bytesRead).indexOf(lineFeed, start);
        if (end < 0) break;
        const tail = piece.subarray(start, end);
        const bytes = unfinishedBytes === 0 ? tail : Buffer.concat([...unfinished, tail]);
        onLine({ text: bytes.toString("utf8"), offset: this.#offset, length: bytes.length });
        this.#offset += bytes.length + 1;
        const last = Buffer.concat([this.#remembered, bytes.subarray(-rememberedBytes), Buffer.of(lineFeed)]);
        this.#remembered = last.subarray(-rememberedBytes);
        unfinished = [];
        unfinishedBytes = 0;
        start = end + 1;
      }
      if (start < bytesRead) {
        unfinished.push(Buffer.from(piece.subarray(start, bytesRead)));
        unfinishedBytes += bytesRead - start;
      }
    }
  }
}

/** Reads the line at a place that `JsonlTail` told. Throws where the file is no longer that long. */
export async function readLineAt(path: string, offset: number, length: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw new Error(`${path} ended before byte ${offset + length}`);
      done += bytesRead;
    }
    return bytes.toString("utf8");
  } finally {
    await file.close();
  }
}
