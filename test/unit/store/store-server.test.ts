import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { InvalidOptionError, ObjectStoreFullError, RaySystemError } from "../../../runtime/errors/index.ts";
import { StoreServer } from "../../../runtime/store/index.ts";
import { kib, mib, openStore, sealed, sharedFolder } from "./store-folder.ts";

test("a created segment is at least as long as asked for, and there with all its pages", async () => {
  const server = openStore();
  for (const bytes of [1, 100 * kib, 128 * kib, 129 * kib, 1_000_000]) {
    const { segment, capacityBytes } = await server.create("a", bytes);
    const { size, blocks } = statSync(join(server.folder, segment));
    expect(size).toBe(capacityBytes);
    expect(blocks * 512).toBe(capacityBytes);
    expect(capacityBytes).toBeGreaterThanOrEqual(bytes);
    expect(capacityBytes).toBeLessThanOrEqual(Math.max(128 * kib, 1.25 * bytes));
  }
});

test("a segment is used again once its owner gave the object up and no process holds it, and not before", async () => {
  const server = openStore();
  const first = await sealed(server, "o", 200 * kib);
  const pin = await server.pin("reader", "o");
  expect(pin).toEqual({ segment: first, bytes: 200 * kib });
  server.release("o");
  expect((await server.create("a", 200 * kib)).segment).not.toBe(first);
  server.unpin("reader", "o");
  expect((await server.create("a", 200 * kib)).segment).toBe(first);
});

test("each pin is taken back by itself, and one that was never taken changes nothing", async () => {
  const server = openStore();
  const segment = await sealed(server, "o", 1);
  await server.pin("a", "o");
  await server.pin("a", "o");
  server.release("o");
  server.unpin("b", "o");
  server.unpin("a", "o");
  expect(server.stats().objects).toMatchObject([{ objectId: "o", holders: ["a"], released: true }]);
  server.unpin("a", "o");
  expect(server.stats().objects).toEqual([]);
  expect((await server.create("c", 1)).segment).toBe(segment);
});

test("an object that was given up, or never was, cannot be pinned", async () => {
  const server = openStore();
  await sealed(server, "o", 1);
  await server.pin("a", "o");
  server.release("o");
  server.release("never was");
  expect(await server.pin("b", "o")).toBeUndefined();
  expect(await server.pin("b", "never was")).toBeUndefined();
});

test("an object that comes a second time keeps its first segment and can be read again", async () => {
  const server = openStore();
  const segment = await sealed(server, "o", 1);
  await server.pin("a", "o");
  server.release("o");
  await sealed(server, "o", 1);
  expect(await server.pin("b", "o")).toMatchObject({ segment });
  expect(server.stats()).toMatchObject({ usedBytes: 128 * kib, writing: 0 });
});

test("the process that wrote a segment last gets it again, because it has it mapped", async () => {
  const server = openStore();
  const segments = await Promise.all(["a", "b", "c"].map((id) => sealed(server, id, 1, id)));
  for (const id of ["a", "b", "c"]) server.release(id);
  expect((await server.create("a", 1)).segment).toBe(segments[0]);
  expect((await server.create("c", 1)).segment).toBe(segments[2]);
});

test("what a dead process held and wrote is free, what others hold is not", async () => {
  const server = openStore();
  await sealed(server, "o", 1, "dead");
  await server.pin("dead", "o");
  await server.pin("alive", "o");
  await server.create("dead", 1);
  await server.create("alive", 1);
  server.release("o");
  server.processGone("dead");
  expect(server.stats()).toMatchObject({ writing: 1, objects: [{ holders: ["alive"] }] });
  server.processGone("alive");
  expect(server.stats()).toMatchObject({ writing: 0, objects: [], usedBytes: 0 });
});

test("a process that is gone before its segment is made leaves none behind", async () => {
  const server = openStore();
  const created = server.create("dead", 1);
  server.processGone("dead");
  await expect(created).rejects.toThrow(RaySystemError);
  expect(server.stats()).toMatchObject({ writing: 0, usedBytes: 0 });
});

test("only the process that was given a segment can seal it, once, and within its length", async () => {
  const server = openStore();
  const { segment, capacityBytes } = await server.create("a", 1);
  expect(() => server.seal("b", segment, "o", 1)).toThrow(/not being written by process b/);
  expect(() => server.seal("a", segment, "o", capacityBytes + 1)).toThrow(RangeError);
  server.seal("a", segment, "o", 1);
  expect(() => server.seal("a", segment, "p", 1)).toThrow(RaySystemError);
  expect(() => server.discard("a", segment)).toThrow(RaySystemError);
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("a segment of %s bytes is refused", async (bytes) => {
  await expect(openStore().create("a", bytes)).rejects.toThrow(RangeError);
});

test("a full store says what it holds and who holds it", async () => {
  const server = openStore();
  await sealed(server, "big", 2 * mib);
  await sealed(server, "small", 200 * kib);
  await server.pin("reader", "big");
  const error = await server.create("a", 2 * mib).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ObjectStoreFullError);
  expect(error).toMatchObject({
    neededBytes: 2 * mib,
    usedBytes: 2 * mib + 224 * kib,
    capacityBytes: 4 * mib,
    largest: [
      { objectId: "big", bytes: 2 * mib, holders: ["reader"] },
      { objectId: "small", bytes: 200 * kib, holders: [] },
    ],
  });
  expect((error as Error).message).toMatch(
    /no room for 2\.1 MB: 2\.3 MB of 4\.2 MB are used \(largest: big 2\.1 MB held by 1 process, small 205 kB\)/,
  );
});

test("an object longer than the whole store is refused at once, and one as long as it fits", async () => {
  const server = openStore();
  await expect(server.create("a", 4 * mib + 1)).rejects.toThrow(ObjectStoreFullError);
  await expect(server.create("a", 4 * mib - 1)).resolves.toMatchObject({ capacityBytes: 4 * mib });
});

test("free segments of other lengths make room for what does not fit them", async () => {
  const server = openStore();
  for (const id of ["a", "b", "c"]) await sealed(server, id, mib);
  for (const id of ["a", "b", "c"]) server.release(id);
  await sealed(server, "large", 4 * mib);
  expect(server.stats()).toMatchObject({ usedBytes: 4 * mib, pooledBytes: 0 });
  expect(readdirSync(server.folder)).toHaveLength(1);
});

test("a segment that makes room gives its memory back even while a process has its file open", async () => {
  const server = openStore();
  const fd = openSync(join(server.folder, await sealed(server, "a", 3 * mib)), "r");
  server.release("a");
  expect(readdirSync(server.folder)).toEqual([]);
  expect(fstatSync(fd).blocks).toBe(0);
  closeSync(fd);
});

test("at most half of the store waits unused", async () => {
  const server = openStore();
  for (const id of ["a", "b", "c", "d"]) await sealed(server, id, mib);
  for (const id of ["a", "b", "c", "d"]) server.release(id);
  expect(server.stats()).toMatchObject({ usedBytes: 0, pooledBytes: 2 * mib });
  expect(readdirSync(server.folder)).toHaveLength(2);
});

test("before it is full the store asks once for what others hold without need", async () => {
  const asked: number[] = [];
  const server = openStore({
    onFull: async (bytes) => {
      asked.push(bytes);
      server.unpin("reader", "o");
    },
  });
  await sealed(server, "o", 3 * mib);
  await server.pin("reader", "o");
  server.release("o");
  await sealed(server, "p", 3 * mib);
  expect(asked).toEqual([3 * mib]);
  await expect(server.create("a", 3 * mib)).rejects.toThrow(ObjectStoreFullError);
  expect(asked).toEqual([3 * mib, 3 * mib]);
});

test("many at once get segments of their own, or the error", async () => {
  const server = openStore();
  const created = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => server.create(`p${i}`, mib)));
  const names = created.flatMap((result) => (result.status === "fulfilled" ? [result.value.segment] : []));
  expect(new Set(names).size).toBe(4);
  for (const result of created) {
    if (result.status === "rejected") expect(result.reason).toBeInstanceOf(ObjectStoreFullError);
  }
});

test("closing removes everything, may be done twice, and nothing is created afterwards", async () => {
  const server = openStore();
  await sealed(server, "o", 1);
  await server.close();
  await server.close();
  expect(existsSync(server.folder)).toBe(false);
  server.release("o");
  server.processGone("writer");
  await expect(server.create("a", 1)).rejects.toThrow(/closed/);
});

test("folders of agents that died are removed at the next start, those of running ones and of others stay", async () => {
  const root = sharedFolder();
  const running = StoreServer.open({ root, capacityBytes: mib });
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  const left = running.folder.replace(`-${process.pid}-`, `-${child.pid}-`);
  const reused = running.folder.replace(/-\d+-(\d+)$/, "-1-$1");
  const elsewhere = running.folder.replace(/store-\d+/, "store-1");
  for (const folder of [left, reused, elsewhere, join(root, "another")]) {
    mkdirSync(folder);
    writeFileSync(join(folder, "1"), "x");
  }
  const server = StoreServer.open({ root, capacityBytes: mib });
  expect([left, reused].map(existsSync)).toEqual([false, false]);
  expect([running.folder, elsewhere, join(root, "another")].map(existsSync)).toEqual([true, true, true]);
  await Promise.all([running.close(), server.close()]);
});

test("only this user can enter the folder", () => {
  expect(statSync(openStore().folder).mode & 0o777).toBe(0o700);
});

test("a capacity that shared memory does not have is refused, and nothing is left of the try", () => {
  const root = sharedFolder();
  for (const capacityBytes of [2 ** 50, 0, 1.5]) {
    expect(() => StoreServer.open({ root, capacityBytes })).toThrow(InvalidOptionError);
  }
  expect(readdirSync(root)).toEqual([]);
});

test("the default capacity is 30 % of the memory, and no more than is free", async () => {
  const root = sharedFolder();
  const { bavail, bsize } = statfsSync(root);
  const server = StoreServer.open({ root });
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || totalmem());
  expect(server.capacityBytes).toBeLessThanOrEqual(0.3 * memoryBytes);
  expect(server.capacityBytes).toBeGreaterThan(0.5 * Math.min(0.3 * memoryBytes, bavail * bsize));
  await server.close();
});
