// An ordered conversation with one other process, over one stream at a time. A packet is kept until the other side has
// acknowledged it; when a stream is lost, the next one begins with what did not arrive. So a message is delivered once and
// in order, however often the network fails, as long as both processes live. What arrives may be anything: what cannot be
// read ends the session, never the process.
import type { Packet } from "../../proto/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { decodeFrame, encodeFrame, type Message } from "../wire/index.ts";
import { maxPacketBytes } from "./channel-options.ts";

/** A stream of packets that is open. */
export interface PacketStream {
  /** False when the stream wants no more for now; `drained` tells when it does again. */
  write(packet: Packet): boolean;
  close(): void;
}

/** What a session tells its owner. */
export interface SessionListener {
  message(message: Message): void;
  /** A stream is open (again); `fresh` where the other side remembers nothing of this session. */
  up?(fresh: boolean): void;
  /** The stream is lost; the session waits for the next one. */
  down?(reason: string): void;
  /** The session is over for good. Called once. */
  ended?(error: Error): void;
  /** This message is larger than a packet may be; it is not sent. */
  tooLarge?(message: Message, bytes: number): void;
  /** An attempt to open a stream failed; there will be another one. */
  unreachable?(reason: string): void;
}

/** Messages in one packet, and bytes of values in it, at most about. */
const packetMessages = 4096;
const packetBytes = 1 << 20;
/** Unacknowledged packets are acknowledged by a packet of their own after so many, or so many milliseconds. */
const acknowledgeEvery = 64;
const acknowledgeMs = 25;
/** A frame may be so large: a packet's other fields need a little room. */
const maxFrameBytes = maxPacketBytes - 1024;
const empty = new Uint8Array(0);

/** Bytes that wait for a process that is away; with more the session is ended, and what waited fails. */
export const defaultMostWaitingBytes = 256 << 20;

export class Session {
  readonly id: string;
  readonly listener: SessionListener;
  #stream: PacketStream | undefined;
  #batch: Message[] = [];
  #batchBytes = 0;
  #scheduled = false;
  /** Packets not yet acknowledged, oldest first. */
  #outbox: Packet[] = [];
  #outboxBytes = 0;
  readonly #mostWaitingBytes: number;
  #sequence = 0;
  /** How many of the outbox are on the present stream. */
  #sent = 0;
  #writable = false;
  #received = 0;
  #acknowledged = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended: Error | undefined;
  readonly #flush = () => this.flush();

  constructor(id: string, listener: SessionListener, mostWaitingBytes = defaultMostWaitingBytes) {
    this.id = id;
    this.listener = listener;
    this.#mostWaitingBytes = mostWaitingBytes;
  }

  /** How many packets have arrived. */
  get received(): number {
    return this.#received;
  }

  get up(): boolean {
    return this.#stream !== undefined;
  }

  /** Sends with everything else of this callback, or of this turn of the event loop. `bytes`: about how large its values are. */
  send(message: Message, bytes = 0): void {
    if (this.#ended) return;
    this.#batch.push(message);
    this.#batchBytes += bytes;
    if (this.#batchBytes > packetBytes || this.#batch.length >= packetMessages) this.#seal();
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A quiet session does not wait for the turn: what the present callback brings about goes out as soon as it is done.
    if (this.#outbox.length === 0) process.nextTick(this.#flush);
    else setImmediate(this.#flush);
  }

  /** Sends now what waits for the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    this.#seal();
    this.#pump();
    if (this.#stream || this.#outboxBytes <= this.#mostWaitingBytes) return;
    const limit = Math.round(this.#mostWaitingBytes / 2 ** 20);
    this.end(new RaySystemError(`more than ${limit} MiB wait for a process that cannot be reached`));
  }

  /** A stream has opened: what the other side has not received goes out on it first. */
  attach(stream: PacketStream, peerReceived: number, fresh: boolean): void {
    if (this.#ended) {
      stream.close();
      return;
    }
    this.#stream?.close();
    this.#stream = stream;
    if (fresh) this.#reset();
    else this.#forget(peerReceived);
    this.#sent = 0;
    this.#writable = true;
    this.listener.up?.(fresh);
    this.#pump();
  }

  /** The stream takes packets again. */
  drained(): void {
    this.#writable = true;
    this.#pump();
  }

  /** The stream is gone. One that was replaced is not missed. */
  detach(stream: PacketStream, reason: string): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#writable = false;
    this.listener.down?.(reason);
  }

  receive(packet: Packet): void {
    if (this.#ended) return;
    try {
      this.#receive(packet);
    } catch (error) {
      this.end(new RaySystemError(`what arrived cannot be read: ${String(error)}`, {}, { cause: error }));
    }
  }

  /** Ends the session: what was sent goes out, nothing more comes. */
  end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#seal();
    this.#pump();
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = undefined;
    this.#outbox = [];
    this.#outboxBytes = 0;
    this.listener.ended?.(error);
  }

  #receive(packet: Packet): void {
    this.#forget(packet.acknowledged);
    if (packet.sequence === 0 || packet.sequence <= this.#received) return;
    if (packet.sequence !== this.#received + 1) {
      // Something was lost on the way: the next stream begins with it.
      this.#stream?.close();
      return;
    }
    this.#received = packet.sequence;
    this.#oweAcknowledgement();
    for (const message of decodeFrame(packet.frame)) this.listener.message(message);
  }

  #seal(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    const frame = encodeFrame(batch);
    if (frame.byteLength <= maxFrameBytes) {
      this.#queue(frame);
      return;
    }
    // Something in it is too large: the others go one by one.
    for (const message of batch) {
      const one = encodeFrame([message]);
      if (one.byteLength <= maxFrameBytes) this.#queue(one);
      else this.listener.tooLarge?.(message, one.byteLength);
    }
  }

  #queue(frame: Uint8Array): void {
    this.#sequence += 1;
    this.#outboxBytes += frame.byteLength;
    this.#outbox.push({ sequence: this.#sequence, acknowledged: 0, frame });
  }

  #pump(): void {
    const stream = this.#stream;
    if (!stream) return;
    while (this.#writable && this.#sent < this.#outbox.length) {
      const { sequence, frame } = this.#outbox[this.#sent] as Packet;
      this.#sent += 1;
      this.#acknowledged = this.#received;
      this.#writable = stream.write({ sequence, acknowledged: this.#received, frame });
    }
  }

  #forget(upTo: number): void {
    const first = this.#sequence - this.#outbox.length + 1;
    const count = Math.min(this.#outbox.length, upTo - first + 1);
    if (count <= 0) return;
    for (const { frame } of this.#outbox.splice(0, count)) this.#outboxBytes -= frame.byteLength;
    this.#sent = Math.max(0, this.#sent - count);
  }

  #reset(): void {
    this.#outbox = [];
    this.#outboxBytes = 0;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#sequence = 0;
    this.#received = 0;
    this.#acknowledged = 0;
  }

  #oweAcknowledgement(): void {
    if (this.#received - this.#acknowledged >= acknowledgeEvery) this.#acknowledge();
    else this.#timer ??= setTimeout(() => this.#acknowledge(), acknowledgeMs).unref();
  }

  #acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#acknowledged === this.#received || !this.#stream) return;
    this.#acknowledged = this.#received;
    this.#stream.write({ sequence: 0, acknowledged: this.#received, frame: empty });
  }
}
