/** A stand-in for the Hugging Face hub: its routes for listing and fetching a data set, with faults that a test asks for. */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Serves one data set over a real socket. Files of 1 MB and more are "LFS": they have a SHA-256 and a redirect. */
export class HubServer {
  readonly requests: { readonly method: string; readonly path: string; readonly range: string | undefined }[] = [];
  /** Token that must be sent, if any. */
  token: string | undefined;
  /** Cuts the connection of the next answers with a body, after so many bytes each. */
  readonly cuts: number[] = [];
  /** Turns one byte of the next bodies over. */
  damage = 0;
  readonly #server: Server;
  readonly #name: string;
  readonly #files: ReadonlyMap<string, Buffer>;

  constructor(name: string, files: Readonly<Record<string, Buffer>>) {
    this.#name = name;
    this.#files = new Map(Object.entries(files));
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this.url;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): unknown {
    const { pathname: path } = new URL(request.url ?? "/", "http://hub");
    this.requests.push({ method: request.method ?? "", path, range: request.headers.range });
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      return json(response, 401, { error: "Invalid credentials" });
    }
    const tree = new RegExp(`^/api/datasets/${this.#name}/tree/main`);
    const file = new RegExp(`^/datasets/${this.#name}/resolve/main/(.*)$`).exec(path)?.[1];
    if (tree.test(path)) return json(response, 200, this.#tree());
    if (path.startsWith("/lfs/")) return this.#send(request, response, decodeURIComponent(path.slice(5)));
    if (file === undefined) return json(response, 404, { error: "Repository not found" });
    const content = this.#files.get(decodeURIComponent(file));
    if (!content) return json(response, 404, { error: "Entry not found" });
    if (!isLarge(content)) return this.#send(request, response, decodeURIComponent(file));
    response.writeHead(302, {
      location: `${this.url}/lfs/${encodeURIComponent(decodeURIComponent(file))}`,
      "x-linked-size": String(content.length),
      "x-linked-etag": `"${sha256(content)}"`,
    });
    return response.end();
  }

  #tree(): unknown[] {
    return [...this.#files].map(([path, content]) => {
      const facts = { type: "file", path, size: content.length, oid: createHash("sha1").update(content).digest("hex") };
      return isLarge(content)
        ? { ...facts, lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } }
        : facts;
    });
  }

  #send(request: IncomingMessage, response: ServerResponse, file: string): unknown {
    const content = this.#files.get(file) ?? Buffer.alloc(0);
    const [, from = "0", to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const end = to ? Number(to) + 1 : content.length;
    const body = Buffer.from(content.subarray(Number(from), end));
    const isPart = request.headers.range !== undefined;
    const common = {
      etag: `"${sha256(content)}"`,
      "accept-ranges": "bytes",
      "content-type": "application/octet-stream",
    };
    response.writeHead(isPart ? 206 : 200, {
      ...common,
      "content-length": body.length,
      ...(isPart && { "content-range": `bytes ${from}-${end - 1}/${content.length}` }),
    });
    if (request.method === "HEAD" || isProbe(request))
      return response.end(request.method === "HEAD" ? undefined : body);
    if (this.damage > 0 && body.length > 0) {
      this.damage -= 1;
      body[0] = (body[0] ?? 0) ^ 1;
    }
    const cut = this.cuts.shift();
    if (cut === undefined) return response.end(body);
    return response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 50));
  }
}

/** The client asks for the first byte to learn a file's size. */
function isProbe(request: IncomingMessage): boolean {
  return request.headers.range === "bytes=0-0";
}

function isLarge(content: Buffer): boolean {
  return content.length >= 1e6;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function json(response: ServerResponse, status: number, value: unknown): unknown {
  response.writeHead(status, { "content-type": "application/json" });
  return response.end(JSON.stringify(value));
}
