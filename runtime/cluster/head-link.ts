// This process's session with the head. A head that was started again is told who this process is before anything else.
import type { ClientRegistration, ClientWelcome, ObjectFacts } from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";
import type { Peer, PeerHandlers } from "../transport/index.ts";

export interface HeadListener {
  event(topic: string, payload: unknown): void;
  /** The head asks which objects others know of. */
  objects(): ObjectFacts[];
  /** The head was started again and knows this process anew. */
  again(): void;
  /** The head cannot be reached for good, or turns this process away. */
  lost(error: Error): void;
}

export class HeadLink {
  readonly peer: Peer;
  #registration: ClientRegistration;
  #listener: HeadListener | undefined;
  #lastFailure = "";

  constructor(registration: ClientRegistration, connect: (handlers: PeerHandlers) => Peer) {
    this.#registration = registration;
    this.peer = connect({
      request: (method) => {
        if (method === "objects") return this.#listener?.objects() ?? [];
        throw new RaySystemError(`a process does not know the question "${method}": is the head of another version?`);
      },
      event: (topic, payload) => this.#listener?.event(topic, payload),
      up: (_peer, fresh) => fresh && void this.#again(),
      unreachable: (_peer, reason) => {
        this.#lastFailure = reason;
      },
      ended: (_peer, error) => this.#listener?.lost(error),
    });
  }

  /** Why the head could not be reached of late; empty where it could. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** Introduces this process. Rejects where the head turns it away. */
  async register(): Promise<ClientWelcome> {
    return (await this.peer.ask("register", this.#registration)) as ClientWelcome;
  }

  /** Introduces this process anew: it works for another job now. */
  introduce(registration: ClientRegistration): Promise<ClientWelcome> {
    this.#registration = registration;
    return this.register();
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
    try {
      await this.register();
      this.#listener?.again();
    } catch (error) {
      this.peer.end(error as Error);
    }
  }
}
