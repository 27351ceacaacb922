/** A repeatable source of choices, and what it does to values and bytes. */

import { Packr } from "msgpackr";

const packr = new Packr({ useRecords: false });

/** Texts that somebody might execute, resolve as a path, or take for a name of their own. */
const hostileTexts = (canary: string): readonly string[] => [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "then",
  "../../../../../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "worker-../../x.out",
  "worker-1-1.out\0.err",
  `$(touch ${canary})`,
  `; touch ${canary};`,
  `\`touch ${canary}\``,
  `require("fs").writeFileSync(${JSON.stringify(canary)},"")`,
  `__import__("os").system("touch ${canary}")`,
  `!!python/object/apply:os.system ["touch ${canary}"]`,
  `cos\nsystem\n(S'touch ${canary}'\ntR.`,
  `data:text/javascript,import("node:fs").then(f=>f.writeFileSync(${JSON.stringify(canary)},""))`,
  "unix:/nowhere",
  "127.0.0.1:1",
  "\0",
  "\ud800",
  "",
];

export class Random {
  readonly canary: string;
  #state: number;

  constructor(seed: number, canary: string) {
    this.#state = seed >>> 0;
    this.canary = canary;
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  text(): string {
    return this.of(hostileTexts(this.canary));
  }

  /** A value that nobody has asked for. */
  nasty(): unknown {
    const odd = [
      Number.NaN,
      Infinity,
      -Infinity,
      -1,
      0,
      0.1,
      2 ** 31,
      2 ** 53,
      1e308,
      -0,
      null,
      undefined,
      true,
      false,
    ];
    return this.of<() => unknown>([
      () => this.of(odd),
      () => this.of(odd),
      () => this.text(),
      () => this.text(),
      () => this.bytes(this.below(40)),
      () => "x".repeat(this.below(20_000)),
      () => [],
      () => ({}),
      () => JSON.parse(`{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`),
      () => nested(this.below(200)),
      () => Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${this.text()}${i}`, this.of(odd)])),
      () => 12345678901234567890n,
    ])();
  }

  /** A value much like this one: here and there something else is in it. */
  mutated(value: unknown, share = 0.15): unknown {
    if (this.chance(share)) return this.nasty();
    if (Array.isArray(value)) {
      const items = value.map((item) => this.mutated(item, share));
      if (this.chance(share)) items.splice(this.below(items.length + 1), this.below(2), this.nasty());
      return items;
    }
    if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
    const entries = Object.entries(value).map(([key, item]) => [key, this.mutated(item, share)] as const);
    const kept = entries.filter(() => !this.chance(share / 3));
    if (this.chance(share)) kept.push([this.text(), this.nasty()]);
    return Object.fromEntries(kept);
  }

  /** Bytes much like these: bits turned, parts cut out, doubled or strange. */
  damaged(bytes: Buffer): Buffer {
    let damaged: Buffer = Buffer.from(bytes);
    for (let times = 1 + this.below(4); times > 0; times -= 1) {
      const at = this.below(damaged.length + 1);
      const end = Math.min(damaged.length, at + this.below(16));
      damaged = this.of<() => Buffer>([
        () => {
          if (at < damaged.length) damaged[at] = (damaged[at] as number) ^ (1 << this.below(8));
          return damaged;
        },
        () => damaged.subarray(0, at),
        () => Buffer.concat([damaged.subarray(0, at), this.bytes(this.below(16)), damaged.subarray(at)]),
        () => Buffer.concat([damaged.subarray(0, at), damaged.subarray(end)]),
        () => Buffer.concat([damaged.subarray(0, end), damaged.subarray(at)]),
      ])();
    }
    return damaged;
  }
}

export function nested(depth: number): unknown {
  let value: unknown = null;
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Bytes that say they are far more than they are, or nest without an end. */
export function bomb(random: Random): Buffer {
  const depth = random.of([10, 1_000, 100_000, 1_000_000]);
  const heads = [
    [0x91],
    [0x81, 0xa1, 0x61],
    [0xdd, 0x7f, 0xff, 0xff, 0xff],
    [0xdf, 0x7f, 0xff, 0xff, 0xff],
    [0xdc, 0xff, 0xff],
  ];
  const alone = [
    [0xc6, 0x7f, 0xff, 0xff, 0xff],
    [0xdb, 0xff, 0xff, 0xff, 0xff],
    [0xc9, 0xff, 0xff, 0xff, 0xff, 0x41],
    [0xc7, 0xff, 0x41],
  ];
  if (random.chance(0.3)) return Buffer.from(random.of(alone));
  const head = Buffer.from(random.of(heads));
  return Buffer.concat([Buffer.alloc(head.length * depth, head), Buffer.from([0xc0])]);
}

/** A frame's bytes. What cannot be packed is left out. */
export function pack(messages: unknown): Buffer {
  try {
    return packr.pack(messages);
  } catch {
    return packr.pack([]);
  }
}
