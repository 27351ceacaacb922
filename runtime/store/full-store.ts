// What is said where the store has no room.
import { ObjectStoreFullError } from "../errors/index.ts";
import type { StoreStats } from "./object-table.ts";

const shown = 5;

export function fullStore(neededBytes: number, stats: StoreStats, cause?: unknown): ObjectStoreFullError {
  const { usedBytes, capacityBytes, objects } = stats;
  const largest = objects
    .filter(({ place }) => place === "memory")
    .slice(0, shown)
    .map(({ objectId, bytes, holders }) => ({ objectId, bytes, holders }));
  const list = largest.map(({ objectId, bytes, holders }) => `${objectId} ${size(bytes)}${held(holders.length)}`);
  const message = [
    `the node's object store has no room for ${size(neededBytes)}: ${size(usedBytes)} of ${size(capacityBytes)} are used`,
    list.length > 0 ? ` (largest: ${list.join(", ")})` : "",
    cause === undefined ? "" : `, and shared memory itself is full`,
    ". Let go of references and of views of their values, give the store more memory, or a folder to spill to.",
  ].join("");
  return new ObjectStoreFullError(
    message,
    { neededBytes, usedBytes, capacityBytes, largest },
    cause === undefined ? {} : { cause },
  );
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function held(holders: number): string {
  return holders === 0 ? "" : ` held by ${holders} ${holders === 1 ? "process" : "processes"}`;
}
