/** What a stranger can do to any port with nothing but a connection: none of it may be answered with anything of value. */

import { connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { linkPath } from "../../../proto/index.ts";
import type { Random } from "./random.ts";

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const waitMs = 1_500;

export function open(address: string): Socket {
  const socket = address.startsWith("unix:")
    ? connect(address.slice("unix:".length))
    : connect(Number(address.slice(address.lastIndexOf(":") + 1)), address.slice(0, address.lastIndexOf(":")));
  socket.on("error", () => {});
  return socket;
}

/** Writes bytes, and gives what is answered until the other side closes or a while has passed. */
export function exchange(address: string, bytes: Uint8Array, half = false): Promise<Buffer> {
  const socket = open(address);
  const answers: Buffer[] = [];
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(answers));
    };
    const timer = setTimeout(done, waitMs);
    socket.on("data", (data: Buffer) => answers.push(data)).on("close", done);
    if (half) socket.write(bytes);
    else socket.end(bytes);
  });
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const settings = frame(4, 0, 0, Buffer.alloc(0));

type Attack = (address: string, random: Random) => Promise<number>;

/** Each gives how many messages it has sent. */
export const rawAttacks: Readonly<Record<string, Attack>> = {
  async "random bytes"(address, random) {
    await exchange(address, random.bytes(1 + random.below(4_096)));
    return 1;
  },
  async "HTTP/2, then random bytes"(address, random) {
    await exchange(address, Buffer.concat([preface, settings, random.bytes(1 + random.below(4_096))]));
    return 1;
  },
  async "HTTP/2 frames of all kinds"(address, random) {
    const frames = Array.from({ length: 1 + random.below(20) }, () =>
      frame(random.below(12), random.below(256), random.of([0, 1, 2, 3, 0x7fffffff]), random.bytes(random.below(300))),
    );
    await exchange(address, Buffer.concat([preface, settings, ...frames]));
    return frames.length;
  },
  async "floods of pings, settings and headers without end"(address, random) {
    const one = random.of([
      frame(6, 0, 0, Buffer.alloc(8)),
      settings,
      frame(9, 0, 1, Buffer.alloc(200, 0x40)),
      frame(3, 0, 1, Buffer.alloc(4)),
      frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ]);
    const count = random.of([10, 1_000, 5_000]);
    const begin = frame(1, 0, 1, Buffer.from([0x82, 0x86, 0x84]));
    await exchange(address, Buffer.concat([preface, settings, begin, Buffer.alloc(one.length * count, one)]));
    return count;
  },
  async "another protocol"(address, random) {
    const hello = Buffer.from("160301020001000001fc0303", "hex");
    const words = [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      `POST ${linkPath} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nContent-Length: 99999999\r\n\r\n`,
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAAA\r\n\r\n",
      "*1\r\n$4\r\nPING\r\n",
      "SSH-2.0-OpenSSH_9.0\r\n",
      `GET /${"a".repeat(random.below(60_000))} HTTP/1.1\r\n\r\n`,
      `GET / HTTP/1.1\r\n${`X-${"a".repeat(100)}: b\r\n`.repeat(random.below(500))}\r\n`,
      "\r\n".repeat(random.below(1_000)),
    ];
    await exchange(
      address,
      random.chance(0.2) ? Buffer.concat([hello, random.bytes(500)]) : Buffer.from(random.of(words)),
    );
    return 1;
  },
  async "a request that is never finished"(address, random) {
    const begun = random.of([
      preface.subarray(0, random.below(preface.length)),
      Buffer.concat([preface, settings, frame(1, 4, 1, random.bytes(20)).subarray(0, 12)]),
      Buffer.from("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n{"),
      Buffer.from("GET / HTT"),
      Buffer.alloc(0),
    ]);
    await exchange(address, begun, true);
    return 1;
  },
  /** Streams that are opened and reset at once, again and again. */
  async "rapid resets"(address, random) {
    const session = connectHttp2("http://localhost", { createConnection: () => open(address) });
    session.on("error", () => {});
    const closed = new Promise<void>((resolve) => session.on("close", () => resolve()));
    const count = 20 + random.below(200);
    for (let i = 0; i < count && !session.destroyed; i += 1) {
      const stream = session.request({ ":method": "POST", ":path": linkPath, "content-type": "application/grpc" });
      stream.on("error", () => {});
      if (random.chance(0.8)) stream.close(constants.NGHTTP2_CANCEL);
    }
    const timer = setTimeout(() => session.destroy(), waitMs);
    await closed;
    clearTimeout(timer);
    return count;
  },
};
