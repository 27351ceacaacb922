/** Brings a data set of the Hugging Face hub into a folder, through the hub's own client; continues what was cut off. */

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { downloadFile, HubApiError, type ListFileEntry, listFiles } from "@huggingface/hub";
import pRetry, { AbortError } from "p-retry";
import { UserError } from "../../configs/index.ts";

/** How far a download is. */
export interface DownloadProgress {
  readonly file: string;
  readonly fileIndex: number;
  readonly files: number;
  /** Over all files, those that were there before included. */
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

/** What to bring where. `hubUrl` and `token` default to `HF_ENDPOINT` and `HF_TOKEN`. */
export interface DownloadOptions {
  /** The data set's name on the hub: `openai/gsm8k`. */
  readonly name: string;
  readonly folder: string;
  readonly revision?: string;
  readonly hubUrl?: string;
  readonly token?: string;
  /** Chooses among the paths in the data set; all when left out. */
  readonly choose?: (paths: readonly string[]) => readonly string[];
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Attempts after the first for each file, and the wait before the first of them. Defaults 4 and 500. */
  readonly retries?: number;
  readonly retryWaitMs?: number;
}

/**
 * Downloads the chosen files and returns their paths in the data set. A file that is there whole is not asked for
 * again; a partial one (`name.<id>.partial`) is continued at its end. A file gets its name once its size and, where the
 * hub tells it, its SHA-256 are right. Throws a `UserError` when the hub or the data set cannot be reached.
 */
export async function downloadDataset(options: DownloadOptions): Promise<string[]> {
  const entries = await listDataset(options);
  const chosen = new Set((options.choose ?? ((paths) => paths))(entries.map((entry) => entry.path)));
  const wanted = entries.filter((entry) => chosen.has(entry.path));
  const totalBytes = wanted.reduce((sum, entry) => sum + entry.size, 0);
  let before = 0;
  let most = 0;
  for (const [fileIndex, entry] of wanted.entries()) {
    const report = (bytes: number): void => {
      most = Math.max(most, before + bytes);
      options.onProgress?.({
        file: entry.path,
        fileIndex,
        files: wanted.length,
        receivedBytes: most,
        totalBytes,
      });
    };
    await fetchWhole(entry, options, report);
    before += entry.size;
  }
  return wanted.map((entry) => entry.path);
}

async function listDataset(options: DownloadOptions): Promise<ListFileEntry[]> {
  const entries: ListFileEntry[] = [];
  try {
    for await (const entry of listFiles({ ...place(options), recursive: true })) {
      if (entry.type === "file") entries.push(entry);
    }
  } catch (error) {
    throw hubFailure(options, error);
  }
  return entries;
}

async function fetchWhole(
  entry: ListFileEntry,
  options: DownloadOptions,
  report: (bytes: number) => void,
): Promise<void> {
  const target = join(options.folder, entry.path);
  if (relative(options.folder, target).split(sep)[0] === "..")
    throw new Error(`the hub names a file outside: ${entry.path}`);
  if ((await sizeOf(target)) === entry.size) return report(entry.size);
  await mkdir(dirname(target), { recursive: true });
  const id = (entry.lfs?.oid ?? entry.oid ?? "").slice(0, 12) || "unnamed";
  const partial = `${target}.${id}.partial`;
  await removeOtherPartials(partial, target);
  await pRetry(() => fetchRest(entry, partial, options, report), {
    retries: options.retries ?? 4,
    minTimeout: options.retryWaitMs ?? 500,
    maxTimeout: 10_000,
  }).catch((error: unknown) => {
    throw hubFailure(options, error);
  });
  await rename(partial, target);
}

/** Appends what is missing to `partial`. Throws when the connection ends early, so that the next attempt continues. */
async function fetchRest(
  entry: ListFileEntry,
  partial: string,
  options: DownloadOptions,
  report: (bytes: number) => void,
): Promise<void> {
  let received = (await sizeOf(partial)) ?? 0;
  if (received > entry.size) {
    await rm(partial);
    received = 0;
  }
  if (received < entry.size || entry.size === 0) {
    const blob = await downloadFile({ ...place(options), path: entry.path }).catch((error: unknown) => {
      throw isRefusal(error) ? new AbortError(error as Error) : error;
    });
    if (!blob) throw new AbortError(`${entry.path} is listed but not there`);
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        report(received);
        done(null, chunk);
      },
    });
    const rest = Readable.fromWeb(blob.slice(received).stream() as Parameters<typeof Readable.fromWeb>[0]);
    await pipeline(rest, count, createWriteStream(partial, { flags: "a" }));
  }
  if (received < entry.size) throw new Error(`${entry.path} ended after ${received} of ${entry.size} bytes`);
  const expected = entry.lfs?.oid;
  if (expected === undefined || expected.length !== 64 || (await sha256(partial)) === expected) return;
  await rm(partial);
  throw new Error(`${entry.path} arrived damaged (its SHA-256 differs)`);
}

/** The data set on the hub, as the hub's client wants it named. */
interface HubPlace {
  readonly repo: { type: "dataset"; name: string };
  readonly revision?: string;
  readonly hubUrl?: string;
  readonly accessToken?: string;
}

function place(options: DownloadOptions): HubPlace {
  const token = options.token ?? process.env["HF_TOKEN"];
  const hubUrl = options.hubUrl ?? process.env["HF_ENDPOINT"];
  return {
    repo: { type: "dataset", name: options.name },
    ...(options.revision !== undefined && { revision: options.revision }),
    ...(hubUrl && { hubUrl: hubUrl.replace(/\/+$/, "") }),
    ...(token && { accessToken: token }),
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof HubApiError && error.statusCode >= 400 && error.statusCode < 500 && error.statusCode !== 429;
}

function hubFailure(options: DownloadOptions, error: unknown): UserError {
  if (error instanceof UserError) return error;
  const hub = options.hubUrl ?? process.env["HF_ENDPOINT"] ?? "https://huggingface.co";
  const cause =
    error instanceof Error && error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : String(error);
  const status = error instanceof HubApiError ? error.statusCode : undefined;
  const found = status === 404 ? "no such data set" : status === 401 || status === 403 ? `HTTP ${status}` : cause;
  const fixes: Record<number, string> = {
    401: "check the name, or set HF_TOKEN to a token that may read it",
    403: "set HF_TOKEN to a token that may read it",
    404: "check the name",
  };
  const fix =
    fixes[status ?? 0] ??
    "check the network, or set HF_ENDPOINT to a mirror; a second try continues where this one ended";
  return new UserError({ where: options.name, expected: `a data set on ${hub}`, found, fix }, { cause: error });
}

async function removeOtherPartials(partial: string, target: string): Promise<void> {
  const prefix = `${basename(target)}.`;
  for (const name of await readdir(dirname(target))) {
    const isPartial =
      name.startsWith(prefix) && name.endsWith(".partial") && !name.slice(prefix.length, -8).includes(".");
    if (isPartial && name !== basename(partial)) await rm(join(dirname(target), name));
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (facts) => (facts.isFile() ? facts.size : undefined),
    () => undefined,
  );
}
