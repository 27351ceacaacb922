import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StoreServer } from "../../runtime/store/index.ts";
import { clientOf, mib, openStore, sealed } from "../unit/store/store-folder.ts";
import { StoreProcess } from "./store-process.ts";

/** One byte of a segment, past every mapping of ours. */
function inFile(server: StoreServer, segment: string, at: number, write?: number): number | undefined {
  const fd = openSync(join(server.folder, segment), "r+");
  try {
    const byte = new Uint8Array([write ?? 0]);
    if (write === undefined) readSync(fd, byte, 0, 1, at);
    else writeSync(fd, byte, 0, 1, at);
    return byte[0];
  } finally {
    closeSync(fd);
  }
}

async function stored(server: StoreServer): Promise<string> {
  const owner = clientOf(server, "owner");
  await owner.write("o", [new Uint8Array(mib).fill(1)], mib);
  await owner.close();
  const { segment = "" } = (await server.pin("test", "o")) ?? {};
  server.unpin("test", "o");
  return segment;
}

test("two processes read the same memory, and neither can change it", async () => {
  const server = openStore();
  const segment = await stored(server);
  const [a, b] = await Promise.all(["a", "b"].map((id) => StoreProcess.start(server, id)));
  for (const reader of [a, b]) {
    expect(await reader?.tell("keep", "o")).toBe(mib);
    expect(await reader?.tell("byte", "o", 5000)).toBe(1);
  }
  inFile(server, segment, 5000, 42);
  for (const reader of [a, b]) expect(await reader?.tell("byte", "o", 5000)).toBe(42);
  await a?.tell("setByte", "o", 5000, 7);
  expect(await a?.tell("byte", "o", 5000)).toBe(7);
  expect(await b?.tell("byte", "o", 5000)).toBe(42);
  expect(inFile(server, segment, 5000)).toBe(42);
});

test("a segment is used again only when the collector has found that no view of it is left", async () => {
  const server = openStore({ capacityBytes: 8 * mib });
  const segment = await stored(server);
  const reader = await StoreProcess.start(server, "reader");
  await reader.tell("keep", "o");
  await reader.tell("keepPart", "o", 10, 20);
  await reader.tell("collect");
  server.release("o");
  for (const id of ["p", "q", "r"]) expect(await sealed(server, id, mib)).not.toBe(segment);
  expect(server.stats().objects).toContainEqual(expect.objectContaining({ objectId: "o", holders: ["reader"] }));
  expect(await reader.tell("byte", "o", 5)).toBe(1);
  await reader.tell("drop", "o");
  await expect
    .poll(async () => {
      await reader.tell("collect");
      return server.stats().objects.map(({ objectId }) => objectId);
    })
    .not.toContain("o");
  expect(await sealed(server, "s", mib)).toBe(segment);
});

test("a killed process's views keep nothing", async () => {
  const server = openStore();
  const segment = await stored(server);
  const reader = await StoreProcess.start(server, "reader");
  await reader.tell("keep", "o");
  await reader.tell("writeNumbers", "numbers", 10);
  server.release("o");
  server.release("numbers");
  await reader.kill();
  expect(server.stats().objects).toMatchObject([{ objectId: "o", holders: ["reader"] }]);
  server.processGone("reader");
  expect(server.stats()).toMatchObject({ objects: [], usedBytes: 0, writing: 0 });
  expect(await sealed(server, "p", mib)).toBe(segment);
});

test("a value's arrays are read in another process where they lie", async () => {
  const server = openStore();
  const [writer, reader] = await Promise.all(["writer", "reader"].map((id) => StoreProcess.start(server, id)));
  await writer?.tell("writeNumbers", "n", 100_000);
  await writer?.kill();
  server.processGone("writer");
  expect(await reader?.tell("sumNumbers", "n")).toEqual({ name: "n", sum: 4_999_950_000, overTheObject: true });
});

test("a store full of views that only garbage keeps has room again when the processes are asked", async () => {
  const processes: StoreProcess[] = [];
  const server = openStore({ onFull: async () => void (await Promise.all(processes.map((one) => one.tell("letGo")))) });
  processes.push(await StoreProcess.start(server, "reader"));
  await sealed(server, "o", 3 * mib);
  await processes[0]?.tell("keep", "o");
  server.release("o");
  await expect(server.create("test", 3 * mib)).rejects.toThrow(/no room/);
  await processes[0]?.tell("drop", "o");
  await expect(server.create("test", 3 * mib)).resolves.toMatchObject({ capacityBytes: 3 * mib });
});

test("hundreds of objects through two processes, with reuse all the time, each arrive as they were", async () => {
  const server = openStore({ capacityBytes: 8 * mib });
  const [writer, reader] = await Promise.all(["writer", "reader"].map((id) => StoreProcess.start(server, id)));
  for (let i = 0; i < 300; i += 1) {
    const length = 1000 + 97 * i;
    await writer?.tell("writeNumbers", `n${i}`, length);
    const read = await reader?.tell("sumNumbers", `n${i}`);
    server.release(`n${i}`);
    expect(read).toMatchObject({ name: `n${i}`, sum: (length * (length - 1)) / 2 });
    if (i % 20 === 0) await reader?.tell("letGo");
  }
});
