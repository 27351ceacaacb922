// Reads a growing log file, line by line, from where it was first looked at.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

/** Read at once, at most; and how far behind the file's end reading may fall before it skips. */
const chunkBytes = 256 << 10;
const backlogBytes = 1 << 20;
const newline = 0x0a;

export class LogTail {
  readonly file: string;
  #offset: number;
  #rest = Buffer.alloc(0);

  /** Begins at the file's present end. */
  constructor(file: string) {
    this.file = file;
    this.#offset = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The whole lines that were written since the last time, and whether there is more to read. */
  read(): { readonly lines: readonly string[]; readonly more: boolean } {
    const lines: string[] = [];
    let file: number;
    try {
      file = openSync(this.file, "r");
    } catch {
      return { lines, more: false };
    }
    try {
      const { size } = fstatSync(file);
      if (size < this.#offset) this.#offset = 0;
      const skipped = size - this.#offset - backlogBytes;
      if (skipped > 0) {
        this.#offset += skipped;
        this.#rest = Buffer.alloc(0);
        lines.push(`[${skipped} bytes are not shown here: see ${this.file}]`);
      }
      const chunk = Buffer.alloc(Math.min(chunkBytes, size - this.#offset));
      const count = readSync(file, chunk, 0, chunk.length, this.#offset);
      this.#offset += count;
      const text = Buffer.concat([this.#rest, chunk.subarray(0, count)]);
      const end = text.lastIndexOf(newline) + 1;
      // A line longer than a chunk is shown in pieces.
      const cut = end === 0 && text.length >= chunkBytes ? text.length : end;
      this.#rest = text.subarray(cut);
      if (cut > 0)
        lines.push(
          ...text
            .subarray(0, cut)
            .toString("utf8")
            .replace(/\r?\n$/, "")
            .split(/\r?\n/),
        );
      return { lines, more: this.#offset < size };
    } finally {
      closeSync(file);
    }
  }

  /** What follows the last whole line; nothing more is expected. */
  rest(): string | undefined {
    const text = this.#rest.toString("utf8");
    this.#rest = Buffer.alloc(0);
    return text === "" ? undefined : text;
  }
}
