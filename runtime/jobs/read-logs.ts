// The output of hosts, through the head: what there is, or what comes, until a condition holds.
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import type { HeadAccess } from "../client/index.ts";
import type { LogPart, LogQuery, LogSource } from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";

/** A piece of text of one host's output. */
export interface LogText {
  readonly source: LogSource;
  readonly text: string;
}

interface Reading {
  readonly decoder: StringDecoder;
  offset: number;
}

const pollMs = 200;

/** Everything that these hosts have written until now: for each its output, then its errors. */
export async function* readLogs(head: HeadAccess, query: LogQuery): AsyncGenerator<LogText> {
  yield* news(head, query, new Map());
}

/**
 * What these hosts have written and go on to write, of new hosts too, until `isOver` says so; what was written until
 * then is still given. Ends with the signal's reason when it is aborted.
 */
export async function* followLog(
  head: HeadAccess,
  query: () => Promise<LogQuery | undefined>,
  isOver: () => Promise<boolean>,
  signal?: AbortSignal,
): AsyncGenerator<LogText> {
  const readings = new Map<string, Reading>();
  for (;;) {
    signal?.throwIfAborted();
    const over = await isOver();
    const wanted = await query();
    if (wanted) yield* news(head, wanted, readings);
    if (over) return;
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

async function* news(head: HeadAccess, query: LogQuery, readings: Map<string, Reading>): AsyncGenerator<LogText> {
  const sources = (await head.ask("logSources", query)) as LogSource[];
  for (const source of sources) {
    for (const { file, sizeBytes } of source.files) {
      const key = `${source.nodeId} ${file}`;
      const reading = readings.get(key) ?? { decoder: new StringDecoder("utf8"), offset: 0 };
      readings.set(key, reading);
      while (reading.offset < sizeBytes) {
        const part = await partOf(head, source.nodeId, file, reading.offset);
        if (!part || part.bytes.length === 0) break;
        reading.offset += part.bytes.length;
        const text = reading.decoder.write(Buffer.from(part.bytes));
        if (text !== "") yield { source, text };
      }
    }
  }
}

/** Undefined where the node has gone meanwhile. */
async function partOf(head: HeadAccess, nodeId: string, file: string, offset: number): Promise<LogPart | undefined> {
  try {
    return (await head.ask("readLog", { nodeId, file, offset })) as LogPart;
  } catch (error) {
    if (error instanceof RaySystemError) return undefined;
    throw error;
  }
}
