/**
 * Server-sent events: follows the run while somebody listens, and sends its state whenever it changed. Each event is
 * the whole state, so a listener that reconnects has missed nothing. Reads only while there are listeners.
 */

import type { ServerResponse } from "node:http";
import type { RunFolder } from "./run-folder.ts";

const heartbeatMs = 15_000;

/** The listeners of one run. */
export class EventStream {
  readonly #run: RunFolder;
  readonly #pollMs: number;
  readonly #listeners = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #isFollowing = false;
  #sent = "";
  #sentAtMs = 0;

  constructor(run: RunFolder, pollMs: number) {
    this.#run = run;
    this.#pollMs = pollMs;
  }

  /** Takes over a response: the state now, then each change, until the listener goes. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    response.writeHead(200, {
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
    response.write("retry: 1000\n\n");
    if (this.#sent !== "") response.write(eventOf(this.#sent));
    this.#listeners.add(response);
    response.on("close", () => this.#listeners.delete(response));
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    this.#follow();
  }

  /** Ends all streams. */
  close(): void {
    clearTimeout(this.#timer);
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }

  #follow(): void {
    const progress = setInterval(() => this.#sendChange(), this.#pollMs);
    this.#run
      .refresh()
      .catch(() => {
        // A folder that cannot be read at this moment is tried again; what it says meanwhile is its last state.
      })
      .finally(() => {
        clearInterval(progress);
        this.#sendChange();
        if (this.#listeners.size === 0) {
          this.#isFollowing = false;
          return;
        }
        this.#timer = setTimeout(() => this.#follow(), this.#pollMs).unref();
      });
  }

  #sendChange(): void {
    const state = JSON.stringify(this.#run.state);
    const isSilent = Date.now() - this.#sentAtMs > heartbeatMs;
    if (state === this.#sent && !isSilent) return;
    const message = state === this.#sent ? ": still here\n\n" : eventOf(state);
    this.#sent = state;
    this.#sentAtMs = Date.now();
    for (const listener of this.#listeners) {
      if (!listener.writableNeedDrain) listener.write(message);
    }
  }
}

function eventOf(data: string): string {
  return `event: state\ndata: ${data}\n\n`;
}
