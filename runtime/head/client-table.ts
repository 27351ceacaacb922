// The drivers, and the hosts whose code uses the API: who is connected, and what is told to whom.
import type { ClientRegistration, LogLines } from "../control/index.ts";
import type { Peer } from "../transport/index.ts";

export interface Client {
  readonly registration: ClientRegistration;
  peer: Peer;
}

export class ClientTable {
  readonly #clients = new Map<string, Client>();

  add(registration: ClientRegistration, peer: Peer): Client {
    const client = { registration, peer };
    this.#clients.set(peer.processId, client);
    return client;
  }

  get(processId: string): Client | undefined {
    return this.#clients.get(processId);
  }

  all(): readonly Client[] {
    return [...this.#clients.values()];
  }

  remove(processId: string): void {
    this.#clients.delete(processId);
  }

  /** Tells every one of these that is connected. */
  tell(processIds: Iterable<string>, topic: string, payload: unknown): void {
    for (const processId of processIds) this.#clients.get(processId)?.peer.tell(topic, payload);
  }

  tellAll(topic: string, payload: unknown): void {
    this.tell(this.#clients.keys(), topic, payload);
  }

  /** To the drivers of the job whose process printed it. */
  log(lines: LogLines): void {
    for (const { registration, peer } of this.#clients.values()) {
      const { kind, jobId, logToDriver } = registration;
      if (kind === "driver" && jobId === lines.jobId && logToDriver) peer.tell("log", lines);
    }
  }
}
