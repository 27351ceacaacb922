// A store of its own for a test, gone with it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { StoreClient, StoreServer, type StoreServerOptions } from "../../../runtime/store/index.ts";

export const kib = 1024;
export const mib = 1024 * 1024;

/** A folder of shared memory. */
export function sharedFolder(): string {
  const folder = mkdtempSync("/dev/shm/astune-test-");
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

export function diskFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "astune-spill-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

export function openStore(options: StoreServerOptions = {}): StoreServer {
  const server = StoreServer.open({ root: sharedFolder(), capacityBytes: 4 * mib, ...options });
  onTestFinished(() => server.close());
  return server;
}

export function clientOf(server: StoreServer, processId: string): StoreClient {
  const client = new StoreClient({ folder: server.folder, port: server.portFor(processId) });
  onTestFinished(() => client.close());
  return client;
}

/** Seals an object without writing anything into it. */
export async function sealed(
  server: StoreServer,
  objectId: string,
  bytes: number,
  processId = "writer",
): Promise<string> {
  const { segment } = await server.create(processId, bytes);
  server.seal(processId, segment, objectId, bytes);
  return segment;
}
