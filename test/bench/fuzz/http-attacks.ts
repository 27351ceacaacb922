/** What is sent to a port that speaks HTTP: the proxy of episodes, and the page that shows a run. */

import { request } from "node:http";
import type { Random } from "./random.ts";

export interface HttpTarget {
  readonly address: string;
  /** Paths that are served, and what they are served for. */
  readonly paths: readonly string[];
  readonly key: string;
  /** A body as the port wants it. */
  readonly body: unknown;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Status 0 where there was no answer. */
export function ask(address: string, { method, path, headers, body }: Asked): Promise<HttpAnswer> {
  const [host, port] = [address.slice(0, address.lastIndexOf(":")), address.slice(address.lastIndexOf(":") + 1)];
  return new Promise((resolve) => {
    const none = (): void => resolve({ status: 0, text: "" });
    try {
      const sent = request({ host, port, method, path, headers, timeout: 3_000, agent: false }, (reply) => {
        let text = "";
        // A stream of events has no end.
        const timer = setTimeout(() => sent.destroy(), 1_000);
        reply.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        reply.on("close", () => {
          clearTimeout(timer);
          resolve({ status: reply.statusCode ?? 0, text });
        });
      });
      sent.on("error", none).on("timeout", () => sent.destroy());
      sent.end(body);
    } catch {
      none();
    }
  });
}

const methods = ["GET", "GET", "GET", "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"];
const ways = [
  "/",
  "/..%2f..%2fetc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "//etc/passwd",
  "/page/..%2f..%2fserver.ts",
  "/\0",
  "/%ff%fe",
];

/** One request, with the key or without: `withKey` is for who may ask. */
export async function odd(
  target: HttpTarget,
  random: Random,
  withKey: boolean,
): Promise<HttpAnswer & { readonly asked: Asked }> {
  const path = random.of([...target.paths, ...target.paths, ...ways, `${random.of(target.paths)}${random.of(ways)}`]);
  const json = Buffer.from(jsonOf(random.mutated(target.body, random.of([0, 0.1, 0.4]))));
  const body = random.of<() => Buffer>([
    () => json,
    () => json,
    () => random.damaged(json),
    () => random.bytes(random.below(2_000)),
    () => Buffer.from("[".repeat(random.of([10, 10_000, 100_000]))),
    () => Buffer.from(`{"messages":[{"role":"user","content":"${"x".repeat(random.below(2_000_000))}"}]}`),
  ])();
  const wrong = random.of([
    "",
    "Bearer",
    `Bearer ${target.key.slice(1)}`,
    `Bearer ${target.key}x`,
    "Bearer null",
    "Basic x",
  ]);
  const headers: Record<string, string> = {
    authorization: withKey ? `Bearer ${target.key}` : wrong,
    "content-type": random.of([
      "application/json",
      "text/plain",
      "multipart/form-data; boundary=x",
      "application/x-python-pickle",
    ]),
    ...(random.chance(0.1) ? { host: "evil.example" } : {}),
    ...(random.chance(0.05) ? { "content-length": String(random.below(1e6)) } : {}),
    ...(random.chance(0.1) ? { "content-encoding": random.of(["gzip", "br", "deflate"]) } : {}),
    ...(random.chance(0.05) ? { "x-large": "x".repeat(10_000) } : {}),
  };
  const method = random.chance(0.5) ? "POST" : random.of(methods);
  const empty = method === "GET" && random.chance(0.8);
  const asked = { method, path: path.replaceAll("\0", "%00"), headers, body: empty ? Buffer.alloc(0) : body };
  return { ...(await ask(target.address, asked)), asked };
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "{";
  }
}
