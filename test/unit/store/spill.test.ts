import { readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ObjectStoreFullError } from "../../../runtime/errors/index.ts";
import type { StoreServer } from "../../../runtime/store/index.ts";
import { clientOf, diskFolder, mib, openStore, sealed } from "./store-folder.ts";

const bytesOf = (fill: number): Uint8Array => new Uint8Array(mib).fill(fill);
const placeOf = (server: StoreServer, id: string): string | undefined =>
  server.stats().objects.find(({ objectId }) => objectId === id)?.place;
const filesIn = (folder: string): string[] => readdirSync(join(folder, readdirSync(folder)[0] ?? ""));

test("objects that memory has no room for go to disk and come back as they were", async () => {
  const spillFolder = diskFolder();
  const server = openStore({ spillFolder });
  const client = clientOf(server, "a");
  for (let i = 1; i <= 10; i += 1) await client.write(`o${i}`, [bytesOf(i)], mib);
  expect(server.stats()).toMatchObject({ usedBytes: 4 * mib, spilledBytes: 6 * mib });
  for (let i = 1; i <= 10; i += 1) {
    const sealedAs = await server.pin("b", `o${i}`);
    expect(sealedAs?.bytes).toBe(mib);
    server.unpin("b", `o${i}`);
    const { bytes } = await clientOf(server, `reader ${i}`).read(`o${i}`);
    expect(Buffer.compare(bytes, bytesOf(i))).toBe(0);
    server.processGone(`reader ${i}`);
  }
  for (let i = 1; i <= 10; i += 1) server.release(`o${i}`);
  expect(server.stats()).toMatchObject({ usedBytes: 0, spilledBytes: 0, objects: [] });
  expect(filesIn(spillFolder)).toEqual([]);
});

test("what processes hold stays in memory; if that is all there is, the store is full", async () => {
  const server = openStore({ spillFolder: diskFolder() });
  for (const id of ["a", "b", "c", "d"]) await sealed(server, id, mib);
  for (const id of ["a", "b", "c"]) await server.pin("reader", id);
  await sealed(server, "e", mib);
  expect(["a", "b", "c", "d"].map((id) => placeOf(server, id))).toEqual(["memory", "memory", "memory", "disk"]);
  await server.pin("reader", "e");
  await expect(server.pin("reader", "d")).rejects.toThrow(ObjectStoreFullError);
  expect(server.stats().objects.find(({ objectId }) => objectId === "d")?.holders).toEqual([]);
});

test("the largest goes first among those of about one age, the longest unused among those of one length", async () => {
  const server = openStore({ spillFolder: diskFolder() });
  await sealed(server, "small", mib / 4);
  await sealed(server, "large", 2 * mib);
  await sealed(server, "x", 2 * mib);
  expect(placeOf(server, "large")).toBe("disk");
  server.release("large");
  server.release("x");
  for (const id of ["p", "q", "r"]) await sealed(server, id, mib);
  await server.pin("reader", "p");
  server.unpin("reader", "p");
  await sealed(server, "s", mib);
  expect(["p", "q", "r"].map((id) => placeOf(server, id))).toEqual(["memory", "disk", "memory"]);
});

/** As far as anything gets without the disk: what is to be spilled is on its way, and cannot be there. */
async function spillBegun(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

test("an object that is pinned while it goes to disk stays where it is", async () => {
  const spillFolder = diskFolder();
  const server = openStore({ spillFolder, capacityBytes: 2 * mib });
  const segment = await sealed(server, "a", 2 * mib);
  const created = server.create("w", 2 * mib);
  created.catch(() => undefined);
  await spillBegun();
  expect(await server.pin("reader", "a")).toEqual({ segment, bytes: 2 * mib });
  await expect(created).rejects.toThrow(ObjectStoreFullError);
  expect(placeOf(server, "a")).toBe("memory");
  expect(filesIn(spillFolder)).toEqual([]);
});

test("several who want an object back from disk share one way", async () => {
  const server = openStore({ spillFolder: diskFolder(), capacityBytes: 2 * mib });
  await sealed(server, "a", 2 * mib);
  const { segment } = await server.create("w", 2 * mib);
  expect(placeOf(server, "a")).toBe("disk");
  server.discard("w", segment);
  const pins = await Promise.all(["p", "q", "r"].map((reader) => server.pin(reader, "a")));
  expect(new Set(pins.map((pin) => pin?.segment)).size).toBe(1);
  expect(server.stats()).toMatchObject({ usedBytes: 2 * mib, objects: [{ holders: ["p", "q", "r"] }] });
});

test("an object given up on its way to disk or back leaves nothing", async () => {
  const spillFolder = diskFolder();
  const server = openStore({ spillFolder, capacityBytes: 2 * mib });
  await sealed(server, "a", 2 * mib);
  const created = server.create("w", 2 * mib);
  await spillBegun();
  server.release("a");
  const { segment } = await created;
  server.seal("w", segment, "b", 2 * mib);
  await sealed(server, "c", 2 * mib);
  server.release("c");
  const pinned = server.pin("reader", "b");
  server.release("b");
  await pinned;
  server.processGone("reader");
  expect(server.stats()).toMatchObject({ objects: [], usedBytes: 0, writing: 0 });
  expect(filesIn(spillFolder)).toEqual([]);
});

test("a file that is damaged on disk is an error at its reader, and nothing is held for it", async () => {
  const spillFolder = diskFolder();
  const server = openStore({ spillFolder, capacityBytes: 2 * mib });
  await sealed(server, "a", 2 * mib);
  await sealed(server, "b", 2 * mib);
  server.release("b");
  const [file = ""] = filesIn(spillFolder);
  const path = join(spillFolder, readdirSync(spillFolder)[0] ?? "", file);
  truncateSync(path, mib);
  await expect(server.pin("reader", "a")).rejects.toThrow(/ends at 1048576 of 2097152 bytes/);
  rmSync(path);
  await expect(server.pin("reader", "a")).rejects.toThrow(/ENOENT/);
  expect(server.stats()).toMatchObject({ usedBytes: 0, objects: [{ objectId: "a", holders: [] }] });
});
