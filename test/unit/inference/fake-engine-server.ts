/** A scriptable engine on a real Unix socket: routes answer what the test says, and what was asked is kept. */

import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  /** Never answers. */
  readonly hang?: boolean;
  /** Server-sent events instead of a body, each as it comes. */
  readonly events?: AsyncIterable<unknown>;
  /** Breaks the connection. */
  readonly drop?: boolean;
}

export class FakeEngineServer {
  readonly socketPath: string;
  readonly asked: Asked[] = [];
  readonly routes: Record<string, (asked: Asked) => Answer | Promise<Answer>> = {};
  readonly #folder: string;
  readonly #server: Server;

  private constructor(folder: string) {
    this.#folder = folder;
    this.socketPath = join(folder, "engine.sock");
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        const url = new URL(request.url ?? "/", "http://localhost");
        const text = Buffer.concat(chunks).toString();
        const asked: Asked = {
          method: request.method ?? "",
          path: url.pathname,
          query: url.searchParams,
          body: text === "" ? undefined : JSON.parse(text),
        };
        this.asked.push(asked);
        const answer = (await this.routes[url.pathname]?.(asked)) ?? { status: 404, body: { detail: "Not Found" } };
        if (answer.hang) return;
        if (answer.drop) {
          request.socket.destroy();
          return;
        }
        if (answer.events) {
          response.writeHead(200, { "content-type": "text/event-stream" });
          for await (const event of answer.events) response.write(`data: ${JSON.stringify(event)}\n\n`);
          response.end("data: [DONE]\n\n");
          return;
        }
        response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
        response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
      });
    });
  }

  static async open(): Promise<FakeEngineServer> {
    const server = new FakeEngineServer(await mkdtemp(join(tmpdir(), "astune-fake-")));
    await new Promise<void>((resolve) => server.#server.listen(server.socketPath, resolve));
    return server;
  }

  paths(): string[] {
    return this.asked.map((asked) => `${asked.method} ${asked.path}`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
