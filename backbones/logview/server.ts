/** The page's server: static files, four GET routes and one event stream over one experiment folder. */

import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import fastify, { type FastifyInstance } from "fastify";
import { UserError } from "../../configs/index.ts";
import { parseEpisodeFilter } from "./episode-filter.ts";
import type { EpisodeRow } from "./episode-row.ts";
import { episodeView } from "./episode-view.ts";
import { EventStream } from "./event-stream.ts";
import { checkLoopback, guard, safeHeaders } from "./guard.ts";
import { RunFolder } from "./run-folder.ts";
import { TokenizerSource } from "./tokenizer-source.ts";

/** The port of the page where none is asked for. */
export const defaultLogviewPort = 8181;

/** What `startLogview` needs. */
export interface LogviewOptions {
  /** The experiment folder; it may not be there yet. */
  readonly folder: string;
  /** 0 takes any free port. */
  readonly port?: number;
  /** An address of the loopback. */
  readonly host?: string;
  /** A `tokenizer.json`, or the folder of a model; default: the model that the folder's `config.yaml` names. */
  readonly tokenizer?: string;
  /** How often a folder that somebody looks at is read. */
  readonly pollMs?: number;
}

/** A running page. */
export interface Logview {
  readonly url: string;
  /** Ends the page and its streams. May be called twice. */
  close(): Promise<void>;
}

const maxPage = 500;
const here = dirname(fileURLToPath(import.meta.url));

/**
 * Serves the page of one run on the loopback. Throws a `UserError` where the port is taken or the host is not loopback.
 *
 * @example const page = await startLogview({ folder: "saved_experiments/quickstart" }); console.log(page.url);
 */
export async function startLogview(options: LogviewOptions): Promise<Logview> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? defaultLogviewPort;
  checkLoopback(host);
  const run = new RunFolder(options.folder);
  const stream = new EventStream(run, options.pollMs ?? 500);
  const server = fastify({ logger: false, forceCloseConnections: true, exposeHeadRoutes: false });
  guard(server);
  addFiles(server);
  addRoutes(server, run, new TokenizerSource(run.folder, options.tokenizer));
  server.get("/api/events", (_request, reply) => {
    reply.hijack();
    stream.add(reply.raw, safeHeaders);
  });
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw listenError(error as NodeJS.ErrnoException, port);
  }
  const bound = (server.server.address() as AddressInfo).port;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}/`,
    close: () => {
      stream.close();
      closing ??= server.close();
      return closing;
    },
  };
}

function addFiles(server: FastifyInstance): void {
  const uplot = dirname(fileURLToPath(import.meta.resolve("uplot/dist/uPlot.min.css")));
  const settings = { cacheControl: false, index: false, redirect: false } as const;
  server.register(fastifyStatic, { ...settings, root: join(here, "page"), prefix: "/page/" });
  server.register(fastifyStatic, { ...settings, root: uplot, prefix: "/uplot/", decorateReply: false });
  server.get("/", (_request, reply) => reply.header("cache-control", "no-cache").sendFile("index.html"));
}

function addRoutes(server: FastifyInstance, run: RunFolder, tokenizer: TokenizerSource): void {
  server.addHook("onSend", async (request, reply) => {
    if (request.url.startsWith("/api/")) reply.header("cache-control", "no-store");
  });

  server.get<{ Querystring: { from?: string } }>("/api/metrics", ({ query }) => {
    const from = whole(query.from, 0, run.metrics.length);
    return { generation: run.state.generation, from, rows: run.metrics.slice(from) };
  });

  server.get<{ Querystring: Record<string, string | undefined> }>("/api/episodes", ({ query }) => {
    const rows = run.episodes.filter(parseEpisodeFilter(query));
    const from = whole(query["from"], 0, rows.length);
    const count = whole(query["count"], 100, maxPage);
    const page = rows.slice(from, from + count).map(listed);
    const wanted = query["find"];
    const position = wanted === undefined ? -1 : rows.findIndex((row) => `${row.file}/${row.line}` === wanted);
    const { generation, episodes: total } = run.state;
    return { generation, total, matched: rows.length, from, rows: page, ...(position < 0 ? {} : { position }) };
  });

  server.get<{ Params: { file: string; line: string } }>("/api/episodes/:file/:line", async ({ params }, reply) => {
    const find = () => run.episode(params.file, Number(params.line));
    let found = await find();
    if (found === undefined) {
      await run.refresh();
      found = await find();
    }
    if (found === undefined) return reply.code(404).send({ error: "There is no such episode in this folder." });
    return episodeView(found.row, found.episode, await tokenizer.open());
  });
}

/** A row without what only the server needs. */
function listed(row: EpisodeRow): Omit<EpisodeRow, "searchText" | "offset" | "length"> {
  const { searchText: _search, offset: _offset, length: _length, ...rest } = row;
  return rest;
}

function whole(text: string | undefined, otherwise: number, max: number): number {
  const value = Number(text ?? otherwise);
  return Number.isInteger(value) && value >= 0 ? Math.min(value, max) : Math.min(otherwise, max);
}

function listenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code !== "EADDRINUSE" && error.code !== "EACCES") return error;
  const found = error.code === "EADDRINUSE" ? "one that another program listens on" : "one that this user may not open";
  return new UserError(
    {
      where: `logview port ${port}`,
      expected: "a free port",
      found,
      fix: "end that program (another logview?) or choose another port, 0 for any",
    },
    { cause: error },
  );
}
