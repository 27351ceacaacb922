import { appendFile, mkdtemp, open, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { JsonlTail, readLineAt } from "../../../backbones/logview/jsonl-tail.ts";

let folder: string;
let path: string;
let tail: JsonlTail;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-tail-"));
  path = join(folder, "rows.jsonl");
  tail = new JsonlTail(path);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(): Promise<[outcome: string, ...lines: string[]]> {
  const lines: string[] = [];
  const outcome = await tail.read(({ text }) => lines.push(text));
  return [outcome, ...lines];
}

test("a file that is not there yet is absent, and read from its start when it comes", async () => {
  expect(await read()).toEqual(["absent"]);
  await writeFile(path, "a\nb\n");
  expect(await read()).toEqual(["grown", "a", "b"]);
  expect(await read()).toEqual(["same"]);
});

test("half a line waits until its other half is written", async () => {
  await writeFile(path, 'a\n{"half');
  expect(await read()).toEqual(["grown", "a"]);
  await appendFile(path, "-way");
  expect(await read()).toEqual(["same"]);
  await appendFile(path, '":1}\nc\nd');
  expect(await read()).toEqual(["grown", '{"half-way":1}', "c"]);
});

test("a line longer than one piece, and signs of several bytes across pieces, arrive whole", async () => {
  const long = "é€😀".repeat(400_000);
  await writeFile(path, `short\n${long}\nend\n`);
  const [outcome, ...lines] = await read();
  expect(outcome).toBe("grown");
  expect(lines.map((line) => line.length)).toEqual([5, long.length, 3]);
  expect(lines[1] === long).toBe(true);
});

test("each line can be read again at the place that was told", async () => {
  const lines = ["first", "zweite – Zeile", "", "4"];
  await writeFile(path, `${lines.join("\n")}\n`);
  const places: { offset: number; length: number }[] = [];
  await tail.read((line) => places.push(line));
  expect(await Promise.all(places.map(({ offset, length }) => readLineAt(path, offset, length)))).toEqual(lines);
  await expect(readLineAt(path, 1_000, 5)).rejects.toThrow("ended before byte 1005");
});

test("a shortened, removed, replaced or rewritten file is told and read anew", async () => {
  const changes = [
    () => truncate(path, 2),
    () => rm(path),
    () => writeFile(`${path}.new`, "x\ny\nz\nmore\n").then(() => rename(`${path}.new`, path)),
    () => writeFile(path, "a\nQ\nc\nand longer than before\n"),
  ];
  for (const change of changes) {
    await writeFile(path, "a\nb\nc\n");
    tail = new JsonlTail(path);
    await read();
    await change();
    expect(await read()).toEqual(["rewritten"]);
  }
  expect(await read()).toEqual(["grown", "a", "Q", "c", "and longer than before"]);
});

test("a file of 200 MB is read without being held in memory", async () => {
  const lineBytes = 100_000;
  const file = await open(path, "w");
  const line = Buffer.from(`${"x".repeat(lineBytes - 1)}\n`);
  for (let written = 0; written < 200_000_000; written += lineBytes) await file.write(line);
  await file.close();
  const before = process.memoryUsage().rss;
  let most = 0;
  let lines = 0;
  await tail.read(() => {
    lines += 1;
    if (lines % 50 === 0) most = Math.max(most, process.memoryUsage().rss);
  });
  expect(lines).toBe(2_000);
  expect(most - before).toBeLessThan(100_000_000);
});
