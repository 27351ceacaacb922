import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { dial, LinkServer, Peer, type PeerHandlers, type Session } from "../../../runtime/transport/index.ts";
import { kind, type Message } from "../../../runtime/wire/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { TcpProxy } from "../../fixtures/tcp-proxy.ts";

const token = "t".repeat(32);

/** What one side heard, in order. */
class Heard {
  readonly topics: number[] = [];
  fresh = 0;
  error: Error | undefined;
  readonly handlers: PeerHandlers = {
    request: (method) => `${method}!`,
    event: (topic) => this.topics.push(Number(topic)),
    up: (_peer, fresh) => {
      if (fresh) this.fresh += 1;
    },
    ended: (_peer, error) => {
      this.error = error;
    },
  };
}

/** Two sides of a session with a proxy between them. */
class Pair {
  readonly near = new Heard();
  readonly far = new Heard();
  proxy!: TcpProxy;
  server!: LinkServer;
  peer!: Peer;
  farPeer: Peer | undefined;
  port = 0;

  static async open(proxied: (proxy: TcpProxy) => void = () => {}, giveUpMs = Number.POSITIVE_INFINITY): Promise<Pair> {
    const pair = new Pair();
    await pair.serve("server-1", 0);
    pair.proxy = await TcpProxy.to(`127.0.0.1:${pair.port}`);
    proxied(pair.proxy);
    const peer: Peer = new Peer("server", pair.near.handlers, () => session);
    const session: Session = dial({ address: pair.proxy.address, processId: "client", token, giveUpMs }, peer);
    pair.peer = peer;
    return pair;
  }

  async serve(processId: string, port: number): Promise<void> {
    this.server = new LinkServer({
      processId,
      token,
      graceMs: 20_000,
      accept: (from, session) => {
        this.farPeer = new Peer(from, this.far.handlers, session);
        return this.farPeer;
      },
    });
    this.port = await this.server.listen(`127.0.0.1:${port}`);
  }

  async close(): Promise<void> {
    this.peer.end(new Error("the test is over"));
    this.server.close();
    await this.proxy.close();
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("a session over connections that are cut", () => {
  let pair: Pair;
  afterEach(() => pair.close());

  test("every message arrives once and in order, wherever the connections are cut", async () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 6_000 }), { maxLength: 6 });
    const counts = fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 300 }));
    let cutCount = 0;
    const sizes = fc.integer({ min: 0, max: 200 });
    await fc.assert(
      fc.asyncProperty(cuts, counts, sizes, async (at, [there, back], size) => {
        pair = await Pair.open((proxy) => proxy.cutAfter(...at));
        const payload = "x".repeat(size);
        for (const n of numbers(there)) {
          pair.peer.tell(String(n), payload);
          if (n % 20 === 0) pair.peer.flush();
        }
        // The other side can only send once somebody has come.
        await eventually(
          () => pair.farPeer,
          (peer) => peer !== undefined,
        );
        for (const n of numbers(back)) {
          pair.farPeer?.tell(String(n), payload);
          if (n % 20 === 0) pair.farPeer?.flush();
        }
        await eventually(
          () => [pair.far.topics.length, pair.near.topics.length],
          ([first, second]) => first === there && second === back,
        );
        expect(pair.far.topics).toEqual(numbers(there));
        expect(pair.near.topics).toEqual(numbers(back));
        expect([pair.near.fresh, pair.far.fresh]).toEqual([0, 0]);
        cutCount += pair.proxy.cutCount;
        await pair.close();
      }),
      { numRuns: 40, interruptAfterTimeLimit: 40_000 },
    );
    expect(cutCount).toBeGreaterThan(20);
  });

  test("a question is answered once, late or not, whatever is cut meanwhile", async () => {
    pair = await Pair.open((proxy) => proxy.delay(30));
    const answers: unknown[] = [];
    for (const n of numbers(30)) {
      void pair.peer.ask(`q${n}`, null).then((answer) => answers.push(answer));
      pair.peer.flush();
      if (n % 7 === 6) pair.proxy.cutNow();
      await sleep(5);
    }
    await eventually(
      () => answers.length,
      (count) => count === 30,
    );
    expect(answers).toEqual(numbers(30).map((n) => `q${n}!`));
  });

  test("a side that was started again is told so, and open questions are asked again", async () => {
    pair = await Pair.open();
    expect(await pair.peer.ask("first", null)).toBe("first!");
    pair.far.handlers.request = () => new Promise(() => {});
    const open = pair.peer.ask("second", null);
    await pair.peer.flush();
    pair.server.close();
    pair.far.handlers.request = (method) => `${method} again!`;
    await pair.serve("server-2", pair.port);
    expect(await open).toBe("second again!");
    expect(pair.near.fresh).toBe(1);
  });

  test("what a side asked before it was started again is not answered any more: the next one counts its questions anew", async () => {
    pair = await Pair.open();
    const answers = new Map<string, (answer: string) => void>();
    pair.near.handlers.request = (method) => new Promise((answer) => answers.set(method, answer));
    const isAsked = (method: string) =>
      eventually(
        () => answers.has(method),
        (asked) => asked,
      );
    await pair.peer.ask("hello", null);
    void pair.farPeer?.ask("old", null).catch(() => undefined);
    await isAsked("old");
    pair.server.close();
    pair.farPeer = undefined;
    await pair.serve("server-2", pair.port);
    await eventually(
      () => pair.near.fresh,
      (fresh) => fresh === 1,
    );
    const asked = (pair.farPeer as Peer | undefined)?.ask("new", null);
    await isAsked("new");
    answers.get("old")?.("to the old one");
    answers.get("new")?.("to the new one");
    expect(await asked).toBe("to the new one");
  });

  test("a frame larger than a packet is refused to whoever sent it, and the session goes on", async () => {
    pair = await Pair.open();
    const large = new Uint8Array(65 << 20);
    await expect(pair.peer.ask("store", large)).rejects.toThrow(/cannot be sent, at most 64 MiB/);
    pair.far.handlers.request = (method) => (method === "load" ? large : "small");
    await expect(pair.peer.ask("load", null)).rejects.toThrow(/cannot be sent, at most 64 MiB/);
    expect(await pair.peer.ask("other", null)).toBe("small");
  });

  test("a side that stays away is given up after as long as was said", async () => {
    pair = await Pair.open(() => {}, 300);
    await pair.peer.ask("hello", null);
    pair.server.close();
    const lostAt = performance.now();
    await expect(pair.peer.ask("late", null)).rejects.toThrow(/cannot be reached/);
    expect(performance.now() - lostAt).toBeGreaterThan(250);
  });

  test("what waits for a process that is away is bounded", async () => {
    pair = await Pair.open();
    await pair.peer.ask("hello", null);
    pair.server.close();
    await eventually(
      () => pair.peer.connected,
      (connected) => !connected,
    );
    const part = new Uint8Array(8 << 20);
    for (const n of numbers(40)) {
      pair.peer.send([kind.event, String(n), part] as Message, part.byteLength);
      pair.peer.flush();
    }
    expect(pair.near.error?.message).toMatch(/more than 256 MiB wait for a process that cannot be reached/);
    await expect(pair.peer.ask("late", null)).rejects.toThrow(/more than 256 MiB/);
  });
});
