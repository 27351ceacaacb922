// Where a process listens: on a Unix socket, on TCP, or on both. A stream that carries on a known session is attached to
// it; a new session is handed to the owner.
import { createServer, type Server as NetServer, type Socket } from "node:net";
import {
  type ConnectionInjector,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type { Packet } from "../../proto/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { channelOptions, keys, linkMethod, neverOpened, sessionMemoryMiB, textOf } from "./channel-options.ts";
import { type PacketStream, Session, type SessionListener } from "./session.ts";
import type { Tls } from "./tls.ts";
import { isSameToken } from "./token.ts";

export interface LinkServerOptions {
  readonly processId: string;
  readonly token: string;
  /** A session whose stream is lost is given up after so long without a new one. */
  readonly graceMs: number;
  /** A process has opened a session; gives who listens to it. */
  accept(processId: string, session: () => Session): SessionListener;
  /** For TCP; without it connections are not encrypted. */
  readonly tls?: Tls | undefined;
  /** Sessions at once, at most. Default 20,000. */
  readonly maxSessions?: number;
  /** Connections at once, at most, those without a token among them. Default 20,000. */
  readonly maxConnections?: number;
}

/** A connection that has not shown the token after so long, or has no stream for so long, is closed. */
const idleConnectionMs = 10_000;

type Stream = ServerDuplexStream<Packet, Packet>;

export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #server = new Server({
    ...channelOptions,
    "grpc.max_connection_idle_ms": idleConnectionMs,
    // A process opens one stream, and one more while the first is being given up.
    "grpc.max_concurrent_streams": 8,
    "grpc-node.max_session_memory": sessionMemoryMiB,
  });
  readonly #listeners: NetServer[] = [];
  readonly #sockets = new Set<Socket>();
  /** Connections that have not shown the token yet, by the other side's address. */
  readonly #unproven = new Map<string, NodeJS.Timeout>();
  readonly #sessions = new Map<string, { readonly session: Session; expiry?: NodeJS.Timeout | undefined }>();

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#server.addService({ Link: { ...linkMethod } }, { Link: (stream: Stream) => this.#open(stream) });
  }

  /** Listens at `unix:/path` or `host:port` (port 0: any) and gives the port, 0 for a socket. */
  listen(target: string): Promise<number> {
    const { tls, maxConnections = 20_000 } = this.#options;
    const path = target.startsWith("unix:") ? target.slice("unix:".length) : undefined;
    // A socket's folder keeps others out; what goes over it never leaves the machine.
    const secure = path === undefined && tls ? tls.server : ServerCredentials.createInsecure();
    const injector = this.#server.createConnectionInjector(secure);
    const listener = createServer({ noDelay: true }, (socket) => this.#connected(socket, injector));
    listener.maxConnections = maxConnections;
    this.#listeners.push(listener);
    return new Promise((resolve, reject) => {
      listener.once("error", (error) => {
        reject(new RaySystemError(`cannot listen at ${target}: ${error.message}`, {}, { cause: error }));
      });
      const ready = () => {
        const address = listener.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      };
      if (path !== undefined) listener.listen(path, ready);
      else {
        const at = target.lastIndexOf(":");
        listener.listen(Number(target.slice(at + 1)), target.slice(0, at), ready);
      }
    });
  }

  /** Ends all sessions and the listening. */
  close(): void {
    const error = new RaySystemError("the process is ending");
    for (const { session } of [...this.#sessions.values()]) session.end(error);
    for (const listener of this.#listeners) listener.close();
    // What was written last goes out with the end of each connection.
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroySoon();
  }

  #connected(socket: Socket, injector: ConnectionInjector): void {
    this.#sockets.add(socket);
    // Whoever can open a socket in the node's own folder is its user.
    const peer = socket.remoteAddress === undefined ? "" : `${socket.remoteAddress}:${socket.remotePort}`;
    if (peer !== "") this.#unproven.set(peer, setTimeout(() => socket.destroy(), idleConnectionMs).unref());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      clearTimeout(this.#unproven.get(peer));
      this.#unproven.delete(peer);
    });
    socket.on("error", () => socket.destroy());
    injector.injectConnection(socket);
  }

  #open(stream: Stream): void {
    const { metadata } = stream;
    const given = textOf(metadata, keys.authorization).replace(/^Bearer /, "");
    if (!isSameToken(given, this.#options.token)) {
      refuse(stream, status.UNAUTHENTICATED, "the token is not this cluster's");
      return;
    }
    clearTimeout(this.#unproven.get(stream.getPeer()));
    this.#unproven.delete(stream.getPeer());
    const sessionId = textOf(metadata, keys.session);
    const processId = textOf(metadata, keys.process);
    const opened = textOf(metadata, keys.received);
    const received = opened === neverOpened ? 0 : Number(opened);
    if (sessionId === "" || processId === "" || !Number.isInteger(received)) {
      refuse(stream, status.INVALID_ARGUMENT, "the stream's metadata does not say who opens it");
      return;
    }
    let record = this.#sessions.get(sessionId);
    if (!record && this.#sessions.size >= (this.#options.maxSessions ?? 20_000)) {
      refuse(stream, status.RESOURCE_EXHAUSTED, "too many processes are connected");
      return;
    }
    const fresh = record === undefined && opened !== neverOpened;
    record ??= this.#create(sessionId, processId);
    clearTimeout(record.expiry);
    const { session } = record;
    const reply = new Metadata();
    reply.set(keys.process, this.#options.processId);
    reply.set(keys.received, String(session.received));
    if (fresh) reply.set(keys.fresh, "1");
    stream.sendMetadata(reply);
    this.#serve(stream, session, fresh ? 0 : received);
  }

  #create(sessionId: string, processId: string) {
    const listener = this.#options.accept(processId, () => session);
    const session = new Session(sessionId, {
      message: (message) => listener.message(message),
      tooLarge: (message, bytes) => listener.tooLarge?.(message, bytes),
      up: (fresh) => listener.up?.(fresh),
      down: (reason) => {
        const record = this.#sessions.get(sessionId);
        if (record) record.expiry = setTimeout(() => session.end(lost(reason)), this.#options.graceMs).unref();
        listener.down?.(reason);
      },
      ended: (error) => {
        clearTimeout(this.#sessions.get(sessionId)?.expiry);
        this.#sessions.delete(sessionId);
        listener.ended?.(error);
      },
    });
    const record: { readonly session: Session; expiry?: NodeJS.Timeout | undefined } = { session };
    this.#sessions.set(sessionId, record);
    return record;
  }

  #serve(stream: Stream, session: Session, received: number): void {
    const packets: PacketStream = {
      write: (packet) => stream.write(packet),
      close: () => stream.end(),
    };
    const lose = (reason: string) => session.detach(packets, reason);
    stream.on("data", (packet: Packet) => session.receive(packet));
    stream.on("drain", () => session.drained());
    stream.on("error", (error) => lose(error.message));
    stream.on("cancelled", () => lose("the connection was lost"));
    stream.on("end", () => {
      stream.end();
      lose("the other side closed");
    });
    session.attach(packets, received, false);
  }
}

function refuse(stream: Stream, code: status, details: string): void {
  stream.emit("error", { code, details } satisfies Parameters<sendUnaryData<Packet>>[0]);
}

function lost(reason: string): RaySystemError {
  return new RaySystemError(`the connection was lost and did not come back: ${reason}`);
}
