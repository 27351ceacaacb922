// The side of a session that opens its streams: at first, and again after each loss, at growing intervals, until the
// session is ended or the other side turns it away.

import { randomUUID } from "node:crypto";
import { Client, type ClientDuplexStream, credentials as grpc, Metadata, status } from "@grpc/grpc-js";
import type { Packet } from "../../proto/index.ts";
import { AuthenticationError, RaySystemError } from "../errors/index.ts";
import { channelOptions, keys, linkMethod, neverOpened, textOf } from "./channel-options.ts";
import { type PacketStream, Session, type SessionListener } from "./session.ts";
import type { Tls } from "./tls.ts";

export interface DialOptions {
  /** `unix:/path` or `host:port`. */
  readonly address: string;
  readonly processId: string;
  readonly token: string;
  readonly tls?: Tls | undefined;
  /** Gives up when there was no stream for so long. Default: never. */
  readonly giveUpMs?: number;
}

const firstDelayMs = 20;
const longestDelayMs = 1_000;
/** A connection that is not there after so long is tried anew: the network may have lost the first try. */
const attemptMs = 5_000;

type Stream = ClientDuplexStream<Packet, Packet>;

/** Opens a session. It is usable at once; what is sent goes out when the first stream is open. */
export function dial(options: DialOptions, listener: SessionListener): Session {
  return new Dialler(options, listener).session;
}

class Dialler {
  readonly session: Session;
  readonly #options: DialOptions;
  #client: Client;
  #identity = "";
  #delayMs = firstDelayMs;
  #downSince = performance.now();
  #retry: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: DialOptions, listener: SessionListener) {
    this.#options = options;
    this.#client = this.#connect();
    this.session = new Session(randomUUID(), {
      message: (message) => listener.message(message),
      tooLarge: (message, bytes) => listener.tooLarge?.(message, bytes),
      unreachable: (reason) => listener.unreachable?.(reason),
      up: (fresh) => listener.up?.(fresh),
      down: (reason) => {
        this.#downSince = performance.now();
        listener.down?.(reason);
      },
      ended: (error) => {
        this.#over = true;
        clearTimeout(this.#retry);
        this.#client.close();
        listener.ended?.(error);
      },
    });
    this.#open();
  }

  #connect(): Client {
    const { address, tls } = this.#options;
    const secure = tls && !address.startsWith("unix:");
    if (!secure) return new Client(address, grpc.createInsecure(), channelOptions);
    return new Client(address, tls.client, { ...channelOptions, "grpc.ssl_target_name_override": "astune" });
  }

  #open(): void {
    const { processId, token } = this.#options;
    const metadata = new Metadata();
    metadata.set(keys.authorization, `Bearer ${token}`);
    metadata.set(keys.session, this.session.id);
    metadata.set(keys.process, processId);
    metadata.set(keys.received, this.#identity === "" ? neverOpened : String(this.session.received));
    const { path, requestSerialize, responseDeserialize } = linkMethod;
    const stream: Stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    const packets: PacketStream = {
      write: (packet) => stream.write(packet),
      close: () => stream.end(),
    };
    let failed = false;
    const lose = (code: status, reason: string) => {
      if (failed) return;
      failed = true;
      clearTimeout(attempt);
      this.session.detach(packets, reason);
      this.#lost(code, reason);
    };
    const attempt = setTimeout(() => {
      lose(status.UNAVAILABLE, `no answer within ${attemptMs / 1000} s`);
      stream.cancel();
      this.#client.close();
      if (!this.#over) this.#client = this.#connect();
    }, attemptMs).unref();
    stream.on("metadata", (reply) => {
      clearTimeout(attempt);
      if (!failed) this.#opened(packets, reply);
    });
    stream.on("data", (packet: Packet) => {
      if (!failed) this.session.receive(packet);
    });
    stream.on("drain", () => this.session.drained());
    stream.on("error", (error: { code?: status; details?: string } & Error) =>
      lose(error.code ?? status.UNKNOWN, error.details ?? error.message),
    );
    stream.on("end", () => lose(status.UNAVAILABLE, "the other side closed"));
  }

  #opened(packets: PacketStream, reply: Metadata): void {
    const identity = textOf(reply, keys.process);
    const another = this.#identity !== "" && identity !== this.#identity;
    this.#identity = identity;
    this.#delayMs = firstDelayMs;
    const fresh = another || textOf(reply, keys.fresh) === "1";
    this.session.attach(packets, Number(textOf(reply, keys.received)), fresh);
  }

  #lost(code: status, reason: string): void {
    if (this.#over) return;
    const { address, giveUpMs = Number.POSITIVE_INFINITY } = this.#options;
    if (code === status.UNAUTHENTICATED) {
      this.session.end(new AuthenticationError(`${address} turned this process away: ${reason}`));
    } else if (performance.now() - this.#downSince > giveUpMs) {
      this.session.end(new RaySystemError(`${address} cannot be reached: ${reason}`));
    } else {
      this.session.listener.unreachable?.(reason);
      this.#retry = setTimeout(() => this.#open(), this.#delayMs);
      this.#delayMs = Math.min(longestDelayMs, this.#delayMs * 2);
    }
  }
}
