/** Reads lines and texts of known length from a process, and turns its end into an error. */

import type { ChildProcess } from "node:child_process";
import { SandboxError } from "./sandbox.ts";

/** One reader at a time may wait. */
export class ReplyReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #errorText = "";
  #failure: SandboxError | undefined;
  #wake: (() => void) | undefined;

  constructor(process: ChildProcess) {
    process.stdout?.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#wake?.();
    });
    process.stderr?.on("data", (chunk: Buffer) => {
      this.#errorText = (this.#errorText + chunk.toString("utf8")).slice(-2000);
    });
    process.stdin?.on("error", () => undefined);
    process.on("error", (error) => this.#fail(`the sandbox could not be started: ${error.message}`));
    process.on("close", (code, signal) => {
      const said = this.#errorText.trim().split("\n").at(-1);
      this.#fail(`the sandbox ended with ${signal ?? code}${said ? `: ${said}` : ""}`);
    });
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    for (;;) {
      const all = this.#joined();
      const end = all.indexOf(10);
      if (end >= 0) {
        this.#keep(all.subarray(end + 1));
        return all.toString("utf8", 0, end);
      }
      await this.#more();
    }
  }

  /** The next `length` bytes as text; what is no UTF-8 becomes U+FFFD. */
  async text(length: number): Promise<string> {
    while (this.#size < length) await this.#more();
    const all = this.#joined();
    this.#keep(all.subarray(length));
    return all.toString("utf8", 0, length);
  }

  #joined(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
  }

  async #more(): Promise<void> {
    if (this.#failure) throw this.#failure;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  #fail(message: string): void {
    this.#failure ??= new SandboxError(message);
    this.#wake?.();
  }
}
