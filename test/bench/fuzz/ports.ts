/** Where a process listens, as its kernel knows: no port is forgotten. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** `unix:/path` or `host:port` of each listening socket of a process. */
export function listeningOf(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const rows = (file: string): string[][] =>
    readFileSync(`/proc/${pid}/net/${file}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  const tcp = rows("tcp").filter(([, , , state, , , , , , inode]) => state === "0A" && inodes.has(inode ?? ""));
  const tcp6 = rows("tcp6").filter(([, , , state, , , , , , inode]) => state === "0A" && inodes.has(inode ?? ""));
  const unix = rows("unix").filter(
    ([, , , flags, , , inode, path]) => flags === "00010000" && inodes.has(inode ?? "") && path?.startsWith("/"),
  );
  return [
    ...tcp.map(([, local = ""]) => `${ipv4(local)}:${portOf(local)}`),
    ...tcp6.map(([, local = ""]) => `127.0.0.1:${portOf(local)}`),
    ...unix.map((row) => `unix:${row[7]}`),
  ];
}

function portOf(local: string): number {
  return Number.parseInt(local.split(":")[1] ?? "", 16);
}

function ipv4(local: string): string {
  const bytes = Buffer.from(local.split(":")[0] ?? "", "hex").reverse();
  const address = [...bytes].join(".");
  return address === "0.0.0.0" ? "127.0.0.1" : address;
}
