import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { expect, test } from "vitest";
import { ObjectLostError, ObjectStoreFullError } from "../../../runtime/errors/index.ts";
import type { StorePort } from "../../../runtime/store/index.ts";
import { StoreClient } from "../../../runtime/store/index.ts";
import { clientOf, kib, mib, openStore } from "./store-folder.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const mappedHere = (folder: string): number => readFileSync("/proc/self/maps", "utf8").split(folder).length - 1;
const write = (client: StoreClient, id: string, content: string): Promise<void> =>
  client.write(id, [Buffer.from(content)], content.length);

test("an object's parts arrive as one, in every process of the node", async () => {
  const server = openStore();
  const parts = ["shared ", "", "memory"].map((part) => Buffer.from(part));
  await clientOf(server, "a").write("o", parts, 13);
  for (const id of ["a", "b"]) expect(text((await clientOf(server, id).read("o")).bytes)).toBe("shared memory");
});

test("an object that the store does not have is lost, by its id", async () => {
  const client = clientOf(openStore(), "a");
  const error = await client.read("no such").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ObjectLostError);
  expect(error).toMatchObject({ objectId: "no such" });
  await write(client, "no such", "now it is");
  expect(text((await client.read("no such")).bytes)).toBe("now it is");
});

test("parts of another length than said are refused, and no segment is kept for them", async () => {
  const server = openStore();
  await expect(clientOf(server, "a").write("o", [new Uint8Array(3)], 4)).rejects.toThrow(/are 3 bytes, not 4/);
  expect(server.stats()).toMatchObject({ writing: 0, objects: [] });
});

test("an object that does not fit is the writer's error", async () => {
  const client = clientOf(openStore(), "a");
  await expect(client.write("o", [new Uint8Array(5 * mib)], 5 * mib)).rejects.toThrow(ObjectStoreFullError);
});

test("writing to a view changes that view alone, not the object", async () => {
  const server = openStore();
  const client = clientOf(server, "a");
  await write(client, "o", "as it was");
  const [mine, other] = [await client.read("o"), await client.read("o")];
  mine.bytes.fill(0);
  expect(text(other.bytes)).toBe("as it was");
  expect(text((await clientOf(server, "b").read("o")).bytes)).toBe("as it was");
});

test("a view outlives its object's release and the store's end", async () => {
  const server = openStore();
  const client = clientOf(server, "a");
  await client.write("o", [new Uint8Array(300 * kib).fill(7)], 300 * kib);
  const { bytes } = await client.read("o");
  await client.release("o");
  await client.write("p", [new Uint8Array(300 * kib).fill(9)], 300 * kib);
  await server.close();
  expect(bytes.every((byte) => byte === 7)).toBe(true);
});

test("many views of an object are one pin, which goes with the last of them", async () => {
  const server = openStore();
  const client = clientOf(server, "reader");
  await write(client, "o", "x");
  const pins: string[] = [];
  const port: StorePort = {
    ...server.portFor("r"),
    pin: async (id) => {
      pins.push(`pin ${id}`);
      return server.pin("r", id);
    },
    unpin: async (id) => {
      pins.push(`unpin ${id}`);
      server.unpin("r", id);
    },
  };
  const reader = new StoreClient({ folder: server.folder, port });
  let kept: Uint8Array | undefined;
  await (async () => {
    const views = await Promise.all([reader.read("o"), reader.read("o"), reader.read("o")]);
    kept = views[1]?.bytes.subarray(0, 1);
  })();
  await reader.letGo();
  expect(pins).toEqual(["pin o"]);
  expect(kept && text(kept)).toBe("x");
  kept = undefined;
  expect(mappedHere(server.folder)).not.toBe(0);
  await Promise.all([client.close(), reader.letGo()]);
  expect(pins).toEqual(["pin o", "unpin o"]);
  expect(mappedHere(server.folder)).toBe(0);
});

test("hundreds of views that go at once are all given back", async () => {
  const server = openStore();
  const client = clientOf(server, "a");
  await client.write("o", [new Uint8Array(1.5 * mib)], 1.5 * mib);
  await (async () => {
    const views = await Promise.all(Array.from({ length: 600 }, () => client.read("o")));
    expect(new Set(views.map(({ bytes }) => bytes.buffer)).size).toBe(600);
  })();
  await client.letGo();
  expect(server.stats().objects).toMatchObject([{ objectId: "o", holders: [] }]);
});

test("a store that is full of garbage's views gives their memory back when it asks for it", async () => {
  let client: StoreClient | undefined;
  const server = openStore({ onFull: async () => client?.letGo() });
  client = clientOf(server, "a");
  for (let i = 0; i < 5; i += 1) {
    await client.write(`o${i}`, [new Uint8Array(3 * mib)], 3 * mib);
    await client.read(`o${i}`);
    await client.release(`o${i}`);
  }
  expect(server.stats().objects.length).toBeLessThanOrEqual(1);
});

test("cloning and transferring a view's memory copies it; the view stays where it is", async () => {
  const client = clientOf(openStore(), "a");
  await write(client, "o", "stays");
  const { bytes } = await client.read("o");
  const buffer = bytes.buffer as ArrayBuffer;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(bytes, [buffer]);
  const arrived = receiveMessageOnPort(port2)?.message as Uint8Array;
  port1.close();
  const transferable = buffer as ArrayBuffer & { transfer(length?: number): ArrayBuffer };
  const copies = [
    arrived,
    structuredClone(bytes),
    structuredClone(bytes, { transfer: [buffer] }),
    new Uint8Array(transferable.transfer()),
  ];
  for (const copy of copies) {
    expect(text(copy)).toBe("stays");
    copy.fill(0);
  }
  expect([text(bytes), bytes.byteLength, buffer.byteLength]).toEqual(["stays", 5, 5]);
  expect(new Uint8Array(transferable.transfer(7))).toEqual(new Uint8Array([...Buffer.from("stays"), 0, 0]));
});

test("small objects find a segment ready, which is given back when it is asked for", async () => {
  const server = openStore();
  const client = clientOf(server, "a");
  for (let i = 0; i < 20; i += 1) await write(client, `o${i}`, `value ${i}`);
  await expect.poll(() => server.stats().writing).toBe(1);
  await client.letGo();
  expect(server.stats()).toMatchObject({ writing: 0 });
  expect(text((await client.read("o7")).bytes)).toBe("value 7");
});

test("a segment kept ready costs nobody room", async () => {
  const server = openStore();
  const client = clientOf(server, "a");
  for (let i = 0; i < 4; i += 1) await client.write(`o${i}`, [new Uint8Array(mib)], mib);
  expect(server.stats()).toMatchObject({ writing: 0, usedBytes: 4 * mib });
});

test("a segment kept ready for one length gives way to an object of another", async () => {
  const server = openStore();
  const client = clientOf(server, "a");
  await client.write("small", [new Uint8Array(mib)], mib);
  await expect.poll(() => server.stats().writing).toBe(1);
  await client.write("large", [new Uint8Array(3 * mib)], 3 * mib);
  expect(server.stats()).toMatchObject({ writing: 0, usedBytes: 4 * mib });
});

test("a hundred writes at once, more than stay mapped, each arrive whole", async () => {
  const server = openStore({ capacityBytes: 32 * mib });
  const client = clientOf(server, "a");
  const ids = Array.from({ length: 100 }, (_, i) => `o${i}`);
  await Promise.all(ids.map((id) => write(client, id, id.repeat(1000))));
  for (const id of ids) expect(text((await client.read(id)).bytes)).toBe(id.repeat(1000));
});

test("the bytes lie in the segment's file from its start, for readers in other languages", async () => {
  const server = openStore();
  await write(clientOf(server, "a"), "o", "plain");
  const sealed = await server.pin("python", "o");
  expect(readdirSync(server.folder)).toContain(sealed?.segment);
  expect(text(readFileSync(join(server.folder, sealed?.segment ?? "")).subarray(0, sealed?.bytes))).toBe("plain");
});
