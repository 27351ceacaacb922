// Who has gone quiet, and for how long it is waited for.
import type { Peer } from "../transport/index.ts";
import { isRefused } from "./is-refused.ts";

export class Watch {
  readonly #silenceMs: number;
  readonly #silent = new Map<string, NodeJS.Timeout>();

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  /** The connection to a process is lost. `gone` is called when it does not come back, sooner where it is known to be gone. */
  silent(peer: Peer, address: string, gone: (reason: string) => void): void {
    this.heard(peer);
    const seconds = (this.#silenceMs / 1000).toFixed(0);
    const timer = setTimeout(() => gone(`nothing was heard of it for ${seconds} s`), this.#silenceMs);
    this.#silent.set(peer.processId, timer);
    void isRefused(address).then((refused) => {
      if (refused && this.#silent.get(peer.processId) === timer) gone("its process has ended");
    });
  }

  heard(peer: Peer): void {
    clearTimeout(this.#silent.get(peer.processId));
    this.#silent.delete(peer.processId);
  }

  close(): void {
    for (const timer of this.#silent.values()) clearTimeout(timer);
  }
}
