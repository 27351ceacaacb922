/** HTTP to one engine over its Unix socket: keep-alive, as many requests at once as the caller has, and no wait without end. */

import { createInterface } from "node:readline";
import { Pool } from "undici";
import { EngineDiedError, EngineRequestError, EngineTimeoutError } from "./errors.ts";

const CONNECTIONS = 1024;

export interface EngineRequest {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A client of one socket. Every failure is an `EngineError`. */
export class EngineHttp {
  readonly #pool: Pool;

  constructor(socketPath: string) {
    this.#pool = new Pool("http://localhost", {
      connect: { socketPath },
      connections: CONNECTIONS,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** The reply's JSON; null where the reply is empty. */
  async json(request: EngineRequest): Promise<unknown> {
    const during = `${request.method} ${request.path.split("?")[0]}`;
    const limit = AbortSignal.timeout(request.timeoutMs);
    const signal = request.signal ? AbortSignal.any([limit, request.signal]) : limit;
    try {
      const reply = await this.#pool.request({
        method: request.method,
        path: request.path,
        signal,
        ...(request.body !== undefined && {
          headers: { "content-type": "application/json" },
          body: JSON.stringify(request.body),
        }),
      });
      const text = await reply.body.text();
      if (reply.statusCode >= 400) {
        throw new EngineRequestError({ during, status: reply.statusCode, message: messageOf(text) });
      }
      return text.trim() === "" ? null : parse(text, during);
    } catch (cause) {
      if (cause instanceof EngineRequestError) throw cause;
      if (request.signal?.aborted) throw request.signal.reason;
      if (limit.aborted) throw new EngineTimeoutError({ during, waitedMs: request.timeoutMs }, { cause });
      const how = cause instanceof Error ? cause.message : String(cause);
      throw new EngineDiedError({ during, how, isUnseen: nobodyListens(cause) }, { cause });
    }
  }

  /**
   * The events of a reply that is streamed as server-sent events, parsed, up to `[DONE]`. The time limit is for all of
   * it. A stream that ends before, or a failure on the way, is an `EngineError`.
   */
  async *events(request: EngineRequest): AsyncGenerator<unknown> {
    const during = `${request.method} ${request.path.split("?")[0]}`;
    const limit = AbortSignal.timeout(request.timeoutMs);
    try {
      const reply = await this.#pool.request({
        method: request.method,
        path: request.path,
        signal: limit,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request.body),
      });
      if (reply.statusCode >= 400) {
        const message = messageOf(await reply.body.text());
        throw new EngineRequestError({ during, status: reply.statusCode, message });
      }
      for await (const line of createInterface({ input: reply.body, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (!line.startsWith("data:")) continue;
        const data = line.slice("data:".length).trim();
        if (data === "[DONE]") return;
        yield parse(data, during);
      }
      throw new EngineDiedError({ during, how: "its stream ended half-way" });
    } catch (cause) {
      if (cause instanceof EngineRequestError || cause instanceof EngineDiedError) throw cause;
      if (limit.aborted) throw new EngineTimeoutError({ during, waitedMs: request.timeoutMs }, { cause });
      const how = cause instanceof Error ? cause.message : String(cause);
      throw new EngineDiedError({ during, how, isUnseen: nobodyListens(cause) }, { cause });
    }
  }

  /** Ends all connections; requests under way fail. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

function parse(text: string, during: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EngineRequestError({ during, status: 502, message: `the reply is not JSON: ${text.slice(0, 200)}` });
  }
}

function nobodyListens(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNREFUSED" || error.code === "ENOENT");
}

/** The message of an error reply: OpenAI's form, FastAPI's, or the text itself. */
function messageOf(text: string): string {
  try {
    const body = JSON.parse(text) as { error?: string | { message?: string }; message?: string; detail?: unknown };
    if (typeof body.error === "string") return body.error;
    const message = body.error?.message ?? body.message;
    if (message !== undefined) return message;
    if (body.detail !== undefined) return JSON.stringify(body.detail);
  } catch {
    // Not JSON: the text is the message.
  }
  return text.slice(0, 500) || "no message";
}
