// This process's session with the head. A head that was started again is told who this process is before anything else.
import type { ClientRegistration, ClientWelcome } from "../control/index.ts";
import type { Peer, PeerHandlers } from "../transport/index.ts";

export interface HeadListener {
  event(topic: string, payload: unknown): void;
  /** The head asks something. */
  request(method: string): unknown;
  /** The head was started again and knows this process anew. */
  again(): void;
}

export class HeadLink {
  readonly peer: Peer;
  readonly #registration: ClientRegistration;
  #listener: HeadListener | undefined;

  constructor(registration: ClientRegistration, connect: (handlers: PeerHandlers) => Peer) {
    this.#registration = registration;
    this.peer = connect({
      request: (method) => this.#listener?.request(method),
      event: (topic, payload) => this.#listener?.event(topic, payload),
      up: (_peer, fresh) => fresh && void this.#again(),
    });
  }

  /** Introduces this process. Rejects where the head turns it away. */
  async register(): Promise<ClientWelcome> {
    return (await this.peer.ask("register", this.#registration)) as ClientWelcome;
  }

  listen(listener: HeadListener): void {
    this.#listener = listener;
  }

  ask(method: string, payload: unknown): Promise<unknown> {
    return this.peer.ask(method, payload);
  }

  tell(topic: string, payload: unknown): void {
    this.peer.tell(topic, payload);
  }

  async #again(): Promise<void> {
    await this.register().catch(() => undefined);
    this.#listener?.again();
  }
}
