// The other processes that this one talks to, each over one session, whoever opened it.
import { type Address, parseAddress } from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";
import type { Session, Tls } from "../transport/index.ts";
import { dial, Peer, type PeerHandlers, type SessionListener } from "../transport/index.ts";

export interface PeerBookOptions {
  readonly processId: string;
  readonly token: string;
  readonly tls: Tls | undefined;
  /** The node that this process is on; empty for none. */
  readonly nodeId: string;
  readonly handlers: PeerHandlers;
  /** A process that cannot be reached for so long is given up. */
  readonly giveUpMs: number;
}

export class PeerBook {
  readonly #options: PeerBookOptions;
  readonly #peers = new Map<string, Peer>();
  #nodeId: string;

  constructor(options: PeerBookOptions) {
    this.#options = options;
    this.#nodeId = options.nodeId;
  }

  /** This process turns out to be on a node. */
  settle(nodeId: string): void {
    this.#nodeId = nodeId;
  }

  /** The process at this address; a session to it is opened where there is none. */
  get(address: string): Peer {
    const parsed = parseAddress(address);
    const known = this.#peers.get(parsed.processId);
    if (known) return known;
    const { processId, token, tls, giveUpMs } = this.#options;
    const peer: Peer = new Peer(parsed.processId, this.#handlers(), () => session);
    const session: Session = dial({ address: this.#target(parsed), processId, token, tls, giveUpMs }, peer);
    this.#peers.set(parsed.processId, peer);
    return peer;
  }

  /** A process has opened a session to this one. */
  accept(processId: string, session: () => Session): SessionListener {
    const peer = new Peer(processId, this.#handlers(), session);
    if (!this.#peers.has(processId)) this.#peers.set(processId, peer);
    return peer;
  }

  /** A process is known to be gone. */
  gone(processId: string): void {
    this.#peers.get(processId)?.end(new RaySystemError(`process ${processId} is gone`));
  }

  close(): void {
    const error = new RaySystemError("the runtime was shut down");
    for (const peer of [...this.#peers.values()]) peer.end(error);
  }

  #handlers(): PeerHandlers {
    const { handlers } = this.#options;
    return {
      ...handlers,
      ended: (peer, error) => {
        if (this.#peers.get(peer.processId) === peer) this.#peers.delete(peer.processId);
        handlers.ended?.(peer, error);
      },
    };
  }

  /** The socket is for processes of the same node; it lies in the node's own folder. */
  #target({ nodeId, socket, tcp }: Address): string {
    const near = nodeId !== "" && nodeId === this.#nodeId;
    const target = (near && socket) || tcp || socket;
    return target === socket ? `unix:${socket}` : tcp;
  }
}
