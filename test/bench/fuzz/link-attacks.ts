/** What is sent to a port of the cluster over gRPC: real messages without the token, and anything at all with it. */

import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { encodePacket, linkPath } from "../../../proto/index.ts";
import { bomb, pack, type Random } from "./random.ts";
import { frameOf } from "./seeds.ts";

export interface LinkTarget {
  readonly address: string;
  readonly token: string;
  readonly seeds: readonly unknown[];
}

/** What came of one stream. */
export interface Outcome {
  readonly sent: number;
  /** Whether it was let in: it was answered with anything but a refusal. */
  readonly accepted: boolean;
  readonly code: number;
}

interface Opening {
  readonly authorization?: string;
  readonly session?: string;
  readonly process?: string;
  readonly received?: string;
}

const mib = 1 << 20;
const raw = (bytes: Buffer): Buffer => bytes;
const packet = (frame: Uint8Array, sequence: number, acknowledged = 0): Buffer =>
  encodePacket({ sequence, acknowledged, frame });

/** Opens one stream, writes these messages on it and gives how it ended. */
export function stream(address: string, opening: Opening, messages: readonly Buffer[]): Promise<Outcome> {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });
  const metadata = new Metadata();
  const keys = { session: "x-astune-session", process: "x-astune-process", received: "x-astune-received" } as const;
  try {
    if (opening.authorization !== undefined) metadata.set("authorization", opening.authorization);
    for (const [key, name] of Object.entries(keys)) {
      const value = opening[key as keyof typeof keys];
      if (value !== undefined) metadata.set(name, value);
    }
  } catch {
    // not a text that may stand there
  }
  const call = client.makeBidiStreamRequest(linkPath, raw, raw, metadata, { deadline: Date.now() + 3_000 });
  let accepted = false;
  return new Promise((resolve) => {
    call.on("metadata", (reply: Metadata) => {
      accepted ||= reply.get("x-astune-process").length > 0;
    });
    call.on("data", () => {
      accepted = true;
    });
    call.on("error", () => {});
    call.on("status", ({ code }) => {
      client.close();
      resolve({ sent: messages.length, accepted: accepted || code === status.OK, code });
    });
    for (const message of messages) call.write(message);
    call.end();
  });
}

/** Without the token, or with one that is nearly it. All of it must be refused. */
export function stranger({ address, token, seeds }: LinkTarget, random: Random): Promise<Outcome> {
  const wrong = [
    undefined,
    "",
    "Bearer ",
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}0`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${token} ${token}`,
    `Basic ${token}`,
    `bearer${token}`,
    `Bearer ${[...token].reverse().join("")}`,
    `Bearer ${"0".repeat(token.length)}`,
    "Bearer undefined",
    "Bearer null",
    "Bearer [object Object]",
  ];
  const opening = {
    ...named(random),
    ...(() => {
      const authorization = random.of(wrong);
      return authorization === undefined ? {} : { authorization };
    })(),
  };
  const frames = Array.from({ length: 1 + random.below(3) }, (_, i) => packet(pack(frameOf(random, seeds)), i + 1));
  return stream(address, opening, frames);
}

function named(random: Random): Opening {
  return {
    session: random.chance(0.1) ? random.text() : `fuzz-${random.below(1e9)}`,
    process: random.chance(0.1) ? random.text() : `fuzz-${random.below(1e9)}`,
    received: random.of(["new", "new", "new", "0", "7", "-1", "1e9", "x", ""]),
  };
}

type Attack = (target: LinkTarget, random: Random) => Promise<Outcome>;

const member = ({ token }: LinkTarget, random: Random): Opening => ({
  ...named(random),
  authorization: `Bearer ${token}`,
});
const good = (target: LinkTarget, random: Random): Opening => ({
  ...member(target, random),
  received: "new",
  session: `fuzz-${random.below(1e9)}`,
  process: `fuzz-${random.below(1e9)}`,
});

/** With the token: a process of the cluster that has gone mad. */
export const memberAttacks: Readonly<Record<string, Attack>> = {
  "real messages, changed": (target, random) => {
    const count = 1 + random.below(4);
    const frames = Array.from({ length: count }, (_, i) => packet(pack(frameOf(random, target.seeds)), i + 1));
    return stream(target.address, good(target, random), frames);
  },
  "frames of damaged bytes": (target, random) => {
    const frames = Array.from({ length: 1 + random.below(4) }, (_, i) =>
      packet(random.damaged(pack(frameOf(random, target.seeds))), i + 1),
    );
    return stream(target.address, good(target, random), frames);
  },
  "packets of damaged bytes": (target, random) => {
    const bytes = packet(pack(frameOf(random, target.seeds)), 1);
    return stream(target.address, member(target, random), [random.damaged(bytes), random.bytes(random.below(200))]);
  },
  "numbers out of order, twice, or with gaps": (target, random) => {
    const frames = Array.from({ length: 2 + random.below(6) }, () => {
      const number = random.of([0, 1, 1, 2, 2, 3, 7, 4_294_967_295]);
      return packet(pack(frameOf(random, target.seeds)), number, random.of([0, 1, 5, 4_294_967_295]));
    });
    return stream(target.address, good(target, random), frames);
  },
  "a session taken up again, played again, by another": async (target, random) => {
    const opening = good(target, random);
    const frames = [1, 2, 3].map((number) => packet(pack(frameOf(random, target.seeds)), number));
    const outcomes = await Promise.all([
      stream(target.address, opening, frames),
      stream(target.address, opening, frames),
      stream(
        target.address,
        { ...opening, received: random.of(["0", "3", "9"]), process: "another" },
        frames.toReversed(),
      ),
    ]);
    return { ...(outcomes[0] as Outcome), sent: 9 };
  },
  "nesting and lengths without end": (target, random) =>
    stream(target.address, good(target, random), [packet(bomb(random), 1)]),
  "values that are bombs": (target, random) => {
    const call = [1, 1, "none#0", "add", [bomb(random).subarray(0, 100_000)], "", 1, false, 0];
    const failure = {
      className: random.text(),
      name: random.text(),
      message: "m",
      fields: bomb(random).subarray(0, 100_000),
    };
    return stream(target.address, good(target, random), [
      packet(pack([call, [5, 1, failure, "f", "t", "a"], [11, 1, failure]]), 1),
    ]);
  },
  "more than a packet may hold": (target, random) => {
    // Rare: it is as large for who sends it.
    const size = random.chance(0.05) ? 65 * mib : random.below(2 * mib);
    return stream(target.address, good(target, random), [packet(Buffer.alloc(size, 0x90), 1)]);
  },
};
