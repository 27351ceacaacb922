/**
 * The node's object store alone, without a cluster's messages around it: how long an array takes to be written into a warm
 * segment, and to be read by another client of the same store.
 */

import { StoreClient, StoreServer } from "../../runtime/store/index.ts";
import { decodeLarge, encodeForTransfer, objectParts, objectSections } from "../../runtime/wire/index.ts";
import type { BenchRow } from "./bench.ts";

const SIZES = [
  { name: "100 MB", bytes: 100e6, repeats: 40 },
  { name: "1 MB", bytes: 1e6, repeats: 400 },
  { name: "200 KB", bytes: 200e3, repeats: 1000 },
];

export async function objectStore(): Promise<BenchRow[]> {
  const server = StoreServer.open({ capacityBytes: 1e9 });
  const writer = new StoreClient({ folder: server.folder, port: server.portFor("writer") });
  const reader = new StoreClient({ folder: server.folder, port: server.portFor("reader") });
  try {
    const rows: BenchRow[] = [];
    for (const { name, bytes, repeats } of SIZES) {
      const value = { array: new Float64Array(bytes / 8).fill(1.5) };
      const puts: number[] = [];
      for (let run = 0; run <= repeats; run += 1) {
        puts.push(await timed(() => write(writer, `${name} ${run}`, value)));
        if (run < repeats) await writer.release(`${name} ${run}`);
      }
      const get = (): Promise<Float64Array> => readArray(reader, `${name} ${repeats}`, bytes);
      const gets: number[] = [];
      for (let run = 0; run < repeats; run += 1) gets.push(await timed(get));
      const touches: number[] = [];
      for (let run = 0; run < repeats; run += 1) {
        const array = await get();
        touches.push(await timed(async () => touch(array)));
      }
      await writer.release(`${name} ${repeats}`);
      rows.push(row(`put ${name}, first`, puts.slice(0, 1), bytes), row(`put ${name}, warm`, puts.slice(1), bytes));
      rows.push(row(`get ${name}`, gets), row(`touch each page of ${name} once`, touches));
    }
    return rows;
  } finally {
    await Promise.all([writer.close(), reader.close()]);
    await server.close();
  }
}

async function write(client: StoreClient, objectId: string, value: object): Promise<void> {
  const encoded = encodeForTransfer(value, "value");
  if (encoded.kind === "inline") throw new Error("the value is too small for the store");
  const { parts, totalBytes } = objectParts(encoded.value);
  await client.write(objectId, parts, totalBytes);
}

async function readArray(client: StoreClient, objectId: string, bytes: number): Promise<Float64Array> {
  const { head, buffers } = objectSections((await client.read(objectId)).bytes);
  const { array } = decodeLarge(head, buffers) as { array: Float64Array };
  if (array.length !== bytes / 8 || array.at(-1) !== 1.5) throw new Error("the array is not what was written");
  return array;
}

function touch(array: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < array.length; at += 512) sum += array[at] ?? 0;
  return sum;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function row(name: string, times: number[], bytes?: number): BenchRow {
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0;
  const rate = bytes === undefined ? "" : `, ${(bytes / at(0.5) / 1e6).toFixed(1)} GB/s`;
  return {
    name,
    ours: Number(at(0.5).toFixed(3)),
    unit: "ms",
    spread: `p5 ${at(0.05).toFixed(3)}, p95 ${at(0.95).toFixed(3)} ms of ${times.length}${rate}`,
  };
}
