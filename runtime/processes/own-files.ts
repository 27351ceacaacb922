/** The files by which the programs of one user on one machine find each other. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRunning, type ProcessRecord, startTicksOf, stateFolder } from "./process-record.ts";

/** A head that runs on this machine. */
export interface HeadRecord {
  readonly address: string;
  readonly pid: number;
  readonly startTicks: string;
}

/** Where the cluster's token lies by default. */
export const tokenFile = (): string => join(stateFolder(), "token");

const headFile = (): string => join(stateFolder(), "head.json");

/** Tells this user's programs on this machine where the head is. Call what is given back when it ends. */
export function announceHead(address: string): () => void {
  const record: HeadRecord = { address, pid: process.pid, startTicks: startTicksOf(process.pid) ?? "" };
  mkdirSync(stateFolder(), { recursive: true, mode: 0o700 });
  writeFileSync(headFile(), JSON.stringify(record), { mode: 0o600 });
  return () => {
    if (findHead()?.pid === process.pid) rmSync(headFile(), { force: true });
  };
}

/** The head that runs here, if one does. */
export function findHead(): HeadRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(headFile(), "utf8")) as HeadRecord;
    const asProcess: ProcessRecord = { ...record, name: "astune-head", leadsGroup: false };
    return isRunning(asProcess) ? record : undefined;
  } catch {
    return undefined;
  }
}
