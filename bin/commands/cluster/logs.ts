/** `astune logs`: what actors, jobs and nodes have written, and go on to write. */

import type { HeadAccess } from "../../../runtime/client/index.ts";
import type { LogQuery, LogSource, Row } from "../../../runtime/control/index.ts";
import { followJob, followLog, jobLogs, type LogText, readLogs } from "../../../runtime/jobs/index.ts";
import type { Print } from "../config.ts";
import { findRow, findRows } from "./find-row.ts";
import { PrefixedLines } from "./prefixed-lines.ts";
import { size, tableOf } from "./table.ts";

export interface LogsOptions {
  readonly follow: boolean;
  readonly json: boolean;
  write(text: string): void;
  readonly print: Print;
  readonly signal: AbortSignal;
}

/** Without targets, which outputs there are. One target's text comes as it is, several lines each with whose it is. */
export async function logs(head: HeadAccess, targets: readonly string[], options: LogsOptions): Promise<void> {
  if (targets.length === 0) return listSources(head, options);
  const found = await Promise.all(targets.map((target) => findRows(head, ["actors", "jobs", "nodes"], target)));
  const isPlain = found.length === 1 && found[0]?.kind !== "nodes" && !options.json;
  const lines = new PrefixedLines((text) => options.write(text), options.json);
  const show = ({ source, text }: LogText): void => {
    if (isPlain) options.write(text);
    else lines.add(source, text);
  };
  await Promise.all(
    found.map(async ({ kind, row }) => {
      if (kind === "jobs") await showJob(head, row, show, options);
      else await showOthers(head, kind, row, show, options);
    }),
  );
  lines.flush();
}

async function showJob(head: HeadAccess, row: Row, show: (text: LogText) => void, options: LogsOptions): Promise<void> {
  const id = String(row["job_id"]);
  const source = jobSource(row);
  if (!options.follow) return show({ source, text: await jobLogs(id, head) });
  for await (const text of followJob(id, head, options.signal)) show({ source, text });
}

async function showOthers(
  head: HeadAccess,
  kind: "actors" | "nodes" | string,
  row: Row,
  show: (text: LogText) => void,
  options: LogsOptions,
): Promise<void> {
  const query: LogQuery = kind === "actors" ? { actorId: String(row["actor_id"]) } : { nodeId: String(row["node_id"]) };
  const isOver = async (): Promise<boolean> => {
    const id = query.actorId ?? String(query.nodeId);
    return (await findRow(head, kind === "actors" ? "actors" : "nodes", id))["state"] === "DEAD";
  };
  const texts = options.follow ? followLog(head, async () => query, isOver, options.signal) : readLogs(head, query);
  for await (const text of texts) show(text);
}

function jobSource(row: Row): LogSource {
  return {
    nodeId: String(row["driver_node_id"] ?? ""),
    pid: Number(row["pid"] ?? 0),
    actorId: null,
    jobId: String(row["job_id"]),
    name: String(row["name"] || row["job_id"]),
    restarts: 0,
    startMs: 0,
    files: [],
  };
}

async function listSources(head: HeadAccess, { json, print }: LogsOptions): Promise<void> {
  const sources = (await head.ask("logSources", {})) as LogSource[];
  const rows = sources.map(({ nodeId, pid, actorId, jobId, name, restarts, files }) => ({
    name: name || "(tasks)",
    actor_id: actorId,
    job_id: jobId,
    node_id: nodeId,
    pid,
    num_restarts: restarts,
    size_bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }));
  if (json) return print(JSON.stringify(rows, undefined, 2));
  if (rows.length === 0) return print("no actor or task has run yet");
  const shown = rows.map((row) => ({ ...row, size: size(row.size_bytes) }));
  print(tableOf(["name", "actor_id", "job_id", "node_id", "pid", "size"], shown));
}
