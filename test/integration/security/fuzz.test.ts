import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { Packr } from "msgpackr";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePacket, linkPath } from "../../../proto/index.ts";
import { nodes, shutdown } from "../../../runtime/index.ts";
import { LinkServer } from "../../../runtime/transport/index.ts";
import { Cluster, eventually } from "../../fixtures/cluster.ts";

const packr = new Packr({ useRecords: false });
const packet = (frame: Uint8Array, sequence = 1): Buffer => encodePacket({ sequence, acknowledged: 0, frame });

/** Arrays in arrays, so deep that nobody can mean it. */
function nested(depth: number): Buffer {
  return Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]);
}

/** An array inside an array, each of which says that it has 2^31 elements. */
function boastful(depth: number): Buffer {
  return Buffer.concat(Array.from({ length: depth }, () => Buffer.from([0xdd, 0x7f, 0xff, 0xff, 0xff])));
}

/** Opens one stream, writes these packets on it, and gives the status that it ends with. */
function send(address: string, token: string, packets: readonly Buffer[]): Promise<number> {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  metadata.set("x-astune-session", `fuzz-${Math.random()}`);
  metadata.set("x-astune-process", "fuzz");
  metadata.set("x-astune-received", "new");
  const raw = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(linkPath, raw, raw, metadata, { deadline: Date.now() + 20_000 });
  return new Promise((resolve) => {
    stream.on("data", () => {});
    stream.on("error", () => {});
    stream.on("status", ({ code }) => {
      client.close();
      resolve(code);
    });
    for (const one of packets) stream.write(one);
    stream.end();
  });
}

/** Writes bytes on a connection, and waits until the other side has closed it or has said something. */
function write(address: string, bytes: Uint8Array): Promise<void> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect(Number(port), host);
  return new Promise((resolve) => {
    socket.on("error", () => {}).on("close", () => resolve());
    socket.on("data", () => socket.destroy());
    socket.end(bytes);
  });
}

const memoryMiB = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)?.[1]) / 1024;

describe("whatever arrives at the port of a head", () => {
  let cluster: Cluster;
  let token: string;
  let before: number;
  beforeAll(async () => {
    cluster = await Cluster.start({ cpus: 1 });
    token = await cluster.token();
    await cluster.connect();
    before = memoryMiB(cluster.head.pid);
  });
  afterAll(() => cluster.close());

  /** The head serves as before, and has not grown by more than a few packets. */
  async function serves(): Promise<void> {
    expect(await nodes()).toHaveLength(1);
    expect(cluster.head.running).toBe(true);
    await eventually(
      () => memoryMiB(cluster.head.pid) - before,
      (grown) => grown < 200,
    );
  }

  test("bytes that are no HTTP/2", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4_096 }), fc.boolean(), async (bytes, polite) => {
        const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        await write(cluster.address, polite ? Buffer.concat([preface, bytes]) : bytes);
      }),
      { numRuns: 100 },
    );
    await serves();
  });

  test("messages that are no packets, and packets that are no frames", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_048 }), fc.boolean(), async (bytes, framed) => {
        await send(cluster.address, token, [framed ? packet(bytes) : Buffer.from(bytes)]);
      }),
      { numRuns: 100 },
    );
    await serves();
  });

  test("frames of messages that mean nothing", async () => {
    const field = fc.oneof(
      fc.integer({ min: -1, max: 14 }),
      fc.string(),
      fc.uint8Array({ maxLength: 20 }),
      fc.constant(null),
      fc.constantFrom("register", "createActor", "lease", "createGroup", "killActor", "hostExited", "leases", "hold"),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const messages = fc.array(fc.array(field, { maxLength: 8 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(messages, async (frame) => {
        await send(cluster.address, token, [packet(packr.pack(frame))]);
      }),
      { numRuns: 200 },
    );
    await serves();
  });

  test("deep nesting, and lengths that nothing follows", async () => {
    for (const frame of [nested(100_000), nested(5_000_000), boastful(10_000), boastful(1_000_000)]) {
      await send(cluster.address, token, [packet(frame)]);
    }
    await serves();
  });

  test("packets larger than they may be, and gaps in their numbers", async () => {
    expect(await send(cluster.address, token, [packet(Buffer.alloc(65 << 20))])).toBe(status.RESOURCE_EXHAUSTED);
    await send(cluster.address, token, [packet(packr.pack([]), 7), packet(packr.pack([]), 4_000_000_000)]);
    await serves();
  });

  test("a wrong token gets nothing, whatever it sends", async () => {
    for (const wrong of ["", "x", token.slice(1), `${token}0`, token.toUpperCase()]) {
      const code = await send(cluster.address, wrong, [
        packet(packr.pack([[9, 1, "nodes", null]])),
        Buffer.alloc(1 << 20),
      ]);
      expect(code).toBe(status.UNAUTHENTICATED);
    }
    await serves();
  });

  test("many streams on one connection without a token: all end with it", async () => {
    const session = connectHttp2(`http://${cluster.address}`);
    session.on("error", () => {});
    const closed = new Promise((resolve) => session.on("close", resolve));
    const streams = Array.from({ length: 200 }, () => {
      const stream = session.request({ ":method": "POST", ":path": linkPath, "content-type": "application/grpc" });
      stream.on("error", () => {});
      return new Promise((resolve) => stream.on("close", resolve));
    });
    await Promise.all([closed, ...streams]);
    await serves();
  });

  test("the driver's own connection was never lost", () => {
    expect(cluster.head.output.match(/client left|node died/g)).toBeNull();
  });
});

test("a port takes no more connections than it may, and drops those that say nothing", async () => {
  const server = new LinkServer({
    processId: "one",
    token: "t".repeat(32),
    graceMs: 1_000,
    maxConnections: 5,
    accept: () => ({ message: () => {} }),
  });
  const port = await server.listen("127.0.0.1:0");
  const open = new Set<Socket>();
  const all = Array.from({ length: 20 }, () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => open.add(socket));
    socket.on("close", () => open.delete(socket)).on("error", () => {});
    socket.resume();
    return socket;
  });
  await eventually(
    () => all.filter((socket) => socket.closed).length,
    (closed) => closed === 15,
  );
  expect(open.size).toBe(5);
  await eventually(
    () => open.size,
    (left) => left === 0,
  );
  server.close();
});

afterAll(() => shutdown());
