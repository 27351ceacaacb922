/** The OpenAI-compatible server of a RolloutActor: one port on the loopback, a base URL and a key for each episode. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, answerChat } from "./chat-completions.ts";
import { answerCompletion } from "./completions.ts";
import type { EpisodeSession } from "./episode-session.ts";
import { listModels } from "./models.ts";
import { OpenAiError } from "./openai-error.ts";
import { readBody } from "./request-body.ts";
import { streamOf } from "./streaming.ts";
import { toolRequest } from "./tool-requests.ts";
import type { Tuner } from "./workflow.ts";

/** Episodes ended before their workflow was, whose late requests are told so. */
const maxTombstones = 10_000;
const route = /^\/episodes\/([^/?]+)\/v1\/([a-z/]+?)\/?(?:\?.*)?$/;

export class OpenAiServer {
  readonly #sessions = new Map<string, EpisodeSession>();
  readonly #tuners = new WeakMap<EpisodeSession, () => Tuner>();
  readonly #tombstones = new Map<string, EpisodeSession>();
  readonly #maxRequestBytes: number;
  readonly #server: Server;
  #port = 0;

  constructor(maxRequestBytes: number) {
    this.#maxRequestBytes = maxRequestBytes;
    this.#server = createServer({ keepAlive: true, keepAliveTimeout: 65_000 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => writeError(response, error));
    });
  }

  /** Listens on a free port of the loopback. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Takes an episode in; its requests are answered from now on, those for tools by `tuner`. Returns its base URL. */
  open(session: EpisodeSession, tuner?: () => Tuner): string {
    const { episodeId } = session.request;
    if (this.#sessions.has(episodeId)) throw new Error(`episode ${episodeId} is running already`);
    this.#tombstones.delete(episodeId);
    this.#sessions.set(episodeId, session);
    if (tuner) this.#tuners.set(session, tuner);
    return `http://127.0.0.1:${this.#port}/episodes/${encodeURIComponent(episodeId)}/v1`;
  }

  /** Ends an episode: its key is dead. A workflow that may still be running (`late`) is answered 410, not 401. */
  end(session: EpisodeSession, reason: string, late: boolean): void {
    session.end(reason);
    this.#sessions.delete(session.request.episodeId);
    if (!late) return;
    const [oldest] = this.#tombstones.keys();
    if (this.#tombstones.size >= maxTombstones && oldest !== undefined) this.#tombstones.delete(oldest);
    this.#tombstones.set(session.request.episodeId, session);
  }

  /** Stops listening and closes every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = "", path = ""] = route.exec(request.url ?? "") ?? [];
    if (id === "") throw new OpenAiError(404, "not_found", "there is nothing at this path");
    const session = this.#sessionOf(decoded(id), request.headers.authorization ?? "");
    if (path === "models") {
      writeJson(response, 200, listModels(session.settings));
      return;
    }
    const answer = path === "chat/completions" ? answerChat : path === "completions" ? answerCompletion : undefined;
    const tuner = this.#tuners.get(session);
    const tool = tuner && toolRequest(path);
    if (!answer && !tool) throw new OpenAiError(404, "not_found", `/v1/${path} is not served here`);
    if (request.method !== "POST") throw new OpenAiError(405, "method_not_allowed", `/v1/${path} takes POST`);
    const body = await readBody(request, this.#maxRequestBytes);
    if (tool) writeJson(response, 200, await tool(tuner(), body));
    else if (answer) writeAnswer(response, await answer(session, body, () => response.destroyed));
  }

  #sessionOf(id: string, authorization: string): EpisodeSession {
    const key = authorization.replace(/^bearer\s+/i, "");
    const session = this.#sessions.get(id);
    if (session?.hasKey(key)) return session;
    const ended = this.#tombstones.get(id);
    if (ended?.hasKey(key)) throw ended.signal.reason;
    throw new OpenAiError(401, "invalid_api_key", "there is no such episode, it has ended, or this is not its key");
  }
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function writeAnswer(response: ServerResponse, answer: Answer): void {
  const ignored = answer.request.ignored;
  if (ignored.length > 0) response.setHeader("x-astune-ignored", ignored.join(","));
  if (!answer.request.stream) {
    writeJson(response, 200, answer.body);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  response.end(streamOf(answer));
}

function writeError(response: ServerResponse, error: unknown): void {
  const known =
    error instanceof OpenAiError
      ? error
      : new OpenAiError(500, "internal_error", error instanceof Error ? error.message : String(error));
  if (response.headersSent || response.destroyed) return;
  if (known.retry === "no") response.setHeader("x-should-retry", "false");
  // What is left of a body that was refused half-way is not read, so the connection cannot be used again.
  if (!response.req.complete) response.setHeader("connection", "close");
  writeJson(response, known.status, known.toBody());
}

function writeJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
