// Who has gone quiet, and for how long it is waited for.
import { setTimeout as sleep } from "node:timers/promises";
import type { Peer } from "../transport/index.ts";
import { isRefused } from "./is-refused.ts";

/** When a process that has gone quiet is looked for; the last one is repeated. */
const looksMs = [0, 50, 200, 1_000, 2_000] as const;

export class Watch {
  readonly #silenceMs: number;
  /** Processes whose address has answered: if it refuses later, they are gone. Others may be behind a wall. */
  readonly #reachable = new Set<string>();
  readonly #silent = new Map<string, NodeJS.Timeout>();

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  /** A process has come; its address is tried, to know what a refusal means later. */
  joined(peer: Peer, address: string): void {
    this.heard(peer);
    void isRefused(address).then((refused) => {
      if (!refused && !peer.endedBy) this.#reachable.add(peer.processId);
    });
  }

  /** The connection to a process is lost. `gone` is called when it does not come back, sooner where it is known to be gone. */
  silent(peer: Peer, address: string, gone: (reason: string) => void): void {
    this.heard(peer);
    const seconds = (this.#silenceMs / 1000).toFixed(0);
    const timer = setTimeout(() => gone(`nothing was heard of it for ${seconds} s`), this.#silenceMs);
    this.#silent.set(peer.processId, timer);
    if (this.#reachable.has(peer.processId)) void this.#look(peer, address, timer, gone);
  }

  heard(peer: Peer): void {
    clearTimeout(this.#silent.get(peer.processId));
    this.#silent.delete(peer.processId);
  }

  forget(peer: Peer): void {
    this.heard(peer);
    this.#reachable.delete(peer.processId);
  }

  async #look(peer: Peer, address: string, timer: NodeJS.Timeout, gone: (reason: string) => void): Promise<void> {
    const isSilent = () => this.#silent.get(peer.processId) === timer;
    for (let look = 0; isSilent(); look += 1) {
      await sleep(looksMs[Math.min(look, looksMs.length - 1)], undefined, { ref: false });
      if (isSilent() && (await isRefused(address)) && isSilent()) gone("its process has ended");
    }
  }

  close(): void {
    for (const timer of this.#silent.values()) clearTimeout(timer);
    this.#silent.clear();
  }
}
