// Who the node agent talks to beside the head: the processes of its node, which use its object store, and the agents of
// other nodes, which copy objects.
import { PeerBook } from "../cluster/index.ts";
import { RaySystemError } from "../errors/index.ts";
import type { StoreServerOptions } from "../store/index.ts";
import { LinkServer, Peer, type PeerHandlers, type Tls } from "../transport/index.ts";
import { ObjectDesk } from "./object-desk.ts";

export interface NeighboursOptions {
  readonly nodeId: string;
  readonly token: string;
  readonly tls: Tls | undefined;
  readonly store: StoreServerOptions;
  /** The agent's address. */
  address(): string;
  /** A process has introduced itself; `hostId` is empty for a driver. */
  introduced(hostId: string, peer: Peer, address: string): Promise<void>;
  /** A process tells something that is not about objects. */
  told(topic: string, payload: unknown, peer: Peer): void;
}

/** A process has so long to give back what it holds of a full store. */
const letGoMs = 2_000;

export class Neighbours {
  readonly objects: ObjectDesk;
  readonly #options: NeighboursOptions;
  readonly #server: LinkServer;
  readonly #others: PeerBook;
  /** The processes of the node that are connected. */
  readonly #near = new Set<Peer>();

  constructor(options: NeighboursOptions) {
    this.#options = options;
    const { nodeId, token, tls, store } = options;
    const handlers = this.#handlers();
    this.#others = new PeerBook({ processId: nodeId, token, tls, nodeId: "", handlers, giveUpMs: 60_000 });
    this.objects = new ObjectDesk({ ...store, onFull: () => this.#letGo() }, (address) => this.#others.get(address));
    this.#server = new LinkServer({
      processId: nodeId,
      token,
      tls,
      graceMs: 10_000,
      accept: (processId, session) => new Peer(processId, handlers, session),
    });
  }

  /** Listens at the socket and at any port of the interface, which it gives. */
  async listen(socket: string, ip: string): Promise<number> {
    await this.#server.listen(`unix:${socket}`);
    return this.#server.listen(`${ip}:0`);
  }

  async close(): Promise<void> {
    await this.objects.close();
    this.#others.close();
    this.#server.close();
  }

  /** The store is full: what only garbage holds is given back. */
  async #letGo(): Promise<void> {
    const asked = [...this.#near].map((peer) => peer.ask("letGo", null).catch(() => undefined));
    await Promise.race([Promise.all(asked), new Promise((resolve) => setTimeout(resolve, letGoMs))]);
  }

  #handlers(): PeerHandlers {
    return {
      request: async (method, payload, peer) => {
        if (method.startsWith("store.")) return this.objects.request(method, payload, peer);
        if (method !== "register") throw new RaySystemError(`a node agent does not know the question "${method}"`);
        const { hostId, address } = payload as { hostId: string; address: string };
        this.#near.add(peer);
        const { nodeId, introduced, address: own } = this.#options;
        await introduced(hostId, peer, address);
        return { nodeId, agentAddress: own(), storeFolder: this.objects.folder };
      },
      ended: (peer) => {
        this.#near.delete(peer);
        this.objects.processGone(peer.processId);
      },
      event: (topic, payload, peer) => {
        if (topic.startsWith("store.")) this.objects.event(topic, payload, peer);
        else this.#options.told(topic, payload, peer);
      },
    };
  }
}
