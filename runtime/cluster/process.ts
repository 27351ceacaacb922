// A process of the cluster, driver or host: it listens, talks to other processes and to the head, makes calls and answers
// them. What it does with that, as a driver or as a host, is built on top.
import { join } from "node:path";
import { type Carrier, deliverReply, Endpoints } from "../calls/index.ts";
import { type Address, formatAddress } from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { dial, LinkServer, Peer, type PeerHandlers, type Session, type Tls } from "../transport/index.ts";
import { isReply, kind, type Message } from "../wire/index.ts";
import type { ActorHandles } from "./actor-handles.ts";
import { CallServer } from "./call-server.ts";
import { ObjectTable } from "./object-table.ts";
import { PeerBook } from "./peer-book.ts";
import { type Home, ProcessStore } from "./process-store.ts";

export interface ProcessOptions {
  readonly processId: string;
  readonly token: string;
  readonly tls: Tls | undefined;
  readonly nodeId: string;
  /** The folder of the node's sockets; undefined for a process that is on no node. */
  readonly socketFolder: string | undefined;
  /** The interface to listen on for processes of other nodes; undefined to listen on the socket only. */
  readonly ip: string | undefined;
  readonly handles: ActorHandles;
  /** Starts the runtime where it is started by its first use: something is borrowed. */
  borrowing?(): void;
}

/** A process whose connection was lost is given up after so long; the head tells sooner where it knows. */
const giveUpMs = 60_000;
/** A head that does not come back for so long is given up, and everything with it. */
const headGiveUpMs = 600_000;

export class ClusterProcess {
  readonly processId: string;
  readonly endpoints = new Endpoints();
  readonly store: ProcessStore;
  readonly objects: ObjectTable;
  readonly calls: CallServer;
  readonly peers: PeerBook;
  readonly #options: ProcessOptions;
  readonly #server: LinkServer;
  /** To the head, and to the node agent. */
  readonly #connections: Peer[] = [];
  #address: Address;
  /** What other processes ask and tell, beside what the runtime itself answers. */
  handlers: PeerHandlers = {};

  constructor(options: ProcessOptions) {
    const { processId, token, nodeId, socketFolder, tls } = options;
    this.processId = processId;
    this.#options = options;
    const socket = socketFolder === undefined ? "" : join(socketFolder, `${processId.slice(0, 16)}.sock`);
    this.#address = { processId, nodeId, socket, tcp: "" };
    this.store = new ProcessStore((address) => this.peers.get(address));
    this.objects = new ObjectTable({
      carrier: this.store,
      stored: (at, value) => this.store.stored(at, value),
      storedHere: (at, value) => this.store.storedHere(at, value),
      address: () => this.address,
      peer: (address) => this.peers.get(address),
      borrowing: () => options.borrowing?.(),
      handles: options.handles,
    });
    this.calls = new CallServer(this.objects, (value, processId) => this.store.gaveAway(value, processId));
    const handlers: PeerHandlers = {
      request: (method, payload, peer) => this.#request(method, payload, peer),
      event: (topic, payload, peer) => this.#event(topic, payload, peer),
      call: (message, peer) => this.#message(message, peer),
      up: (peer, fresh) => this.handlers.up?.(peer, fresh),
      ended: (peer, error) => this.handlers.ended?.(peer, error),
    };
    this.peers = new PeerBook({ processId, token, tls, nodeId, handlers, giveUpMs });
    this.#server = new LinkServer({
      processId,
      token,
      tls,
      graceMs: giveUpMs,
      accept: (other, session) => this.peers.accept(other, session),
    });
  }

  /** Makes values ready to travel: within calls, or through the node's store. */
  get carrier(): Carrier {
    return this.store;
  }

  get address(): string {
    return formatAddress(this.#address);
  }

  /** This process is on a node: it uses the node's store, and the sockets of its neighbours. */
  settle(home: Home): void {
    this.store.open(home);
    this.peers.settle(home.nodeId);
  }

  /** Listens where the options say. */
  async listen(): Promise<void> {
    const { ip } = this.#options;
    const { socket } = this.#address;
    if (socket !== "") await this.#server.listen(`unix:${socket}`);
    if (ip !== undefined) {
      const port = await this.#server.listen(`${ip}:0`);
      this.#address = { ...this.#address, tcp: `${ip}:${port}` };
    }
  }

  /** Opens the session to the head, or to the node agent. */
  connect(address: string, handlers: PeerHandlers, remoteId = "head"): Peer {
    const { processId, token, tls } = this.#options;
    const peer: Peer = new Peer(remoteId, handlers, () => session);
    const session: Session = dial({ address, processId, token, tls, giveUpMs: headGiveUpMs }, peer);
    this.#connections.push(peer);
    return peer;
  }

  close(): void {
    this.objects.close();
    const error = new RaySystemError("the process is ending");
    void this.store.close().finally(() => {
      for (const peer of this.#connections) peer.end(error);
    });
    this.peers.close();
    this.#server.close();
  }

  #request(method: string, payload: unknown, peer: Peer): unknown {
    if (method === "fetch") return this.objects.fetched(payload as string);
    if (method === "cancel") return this.objects.cancelled(payload as Parameters<ObjectTable["cancelled"]>[0]);
    return this.handlers.request?.(method, payload, peer);
  }

  #event(topic: string, payload: unknown, peer: Peer): void {
    if (topic === "borrow") this.objects.borrowedBy(peer.processId, payload as string);
    else if (topic === "drop") this.objects.droppedBy(peer.processId, payload as string);
    else this.handlers.event?.(topic, payload, peer);
  }

  #message(message: Message, peer: Peer): void {
    switch (message[0]) {
      case kind.call:
        this.calls.call(message, peer);
        break;
      case kind.cancel:
        this.calls.cancel(message[1], message[2], message[3] ?? true, peer);
        break;
      case kind.consumed:
        this.calls.consumed(message[1], message[2], message[3], peer);
        break;
      default:
        if (isReply(message)) deliverReply(message, this.endpoints, this.objects.asOwner);
    }
  }
}
