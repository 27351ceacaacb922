import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogTail } from "../../../runtime/node/log-tail.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "astune-tail-"));
  file = join(folder, "worker.out");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("whole lines are read as they come, from where the file was first looked at", () => {
  writeFileSync(file, "of another job\n");
  const tail = new LogTail(file);
  expect(tail.read()).toEqual({ lines: [], more: false });
  appendFileSync(file, "one\ntwo\nhal");
  expect(tail.read().lines).toEqual(["one", "two"]);
  appendFileSync(file, "f ü\n\nlast");
  expect(tail.read().lines).toEqual(["half ü", ""]);
  expect(tail.rest()).toBe("last");
  expect(tail.rest()).toBeUndefined();
});

test("a character that is written in two parts is one character", () => {
  const tail = new LogTail(file);
  const bytes = Buffer.from("ü\n");
  appendFileSync(file, bytes.subarray(0, 1));
  expect(tail.read().lines).toEqual([]);
  appendFileSync(file, bytes.subarray(1));
  expect(tail.read().lines).toEqual(["ü"]);
});

test("a file that is missing, or made shorter, is read from its beginning", () => {
  const tail = new LogTail(file);
  expect(tail.read().lines).toEqual([]);
  writeFileSync(file, "a longer first line\n");
  expect(tail.read().lines).toEqual(["a longer first line"]);
  truncateSync(file, 0);
  appendFileSync(file, "new\n");
  expect(tail.read().lines).toEqual(["new"]);
});

test("a reader that falls far behind skips, and says how much and where it is", () => {
  const tail = new LogTail(file);
  writeFileSync(file, "x".repeat(99).concat("\n").repeat(30_000));
  const [first, ...rest] = tail.read().lines;
  expect(first).toBe(`[${3_000_000 - (1 << 20)} bytes are not shown here: see ${file}]`);
  let count = rest.length;
  for (let step = tail.read(); ; step = tail.read()) {
    count += step.lines.length;
    if (!step.more) break;
  }
  expect(count).toBe(Math.ceil((1 << 20) / 100));
});
