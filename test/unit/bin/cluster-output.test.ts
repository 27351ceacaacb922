import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { gpusOf } from "../../../backbones/index.ts";
import { PrefixedLines } from "../../../bin/commands/cluster/prefixed-lines.ts";
import { ago, cell, size } from "../../../bin/commands/cluster/table.ts";
import { checkHead, checkToken } from "../../../bin/commands/doctor-cluster.ts";
import type { LogSource } from "../../../runtime/control/index.ts";

const folder = mkdtempSync(join(tmpdir(), "astune-output-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = (name: string, pid: number): LogSource => {
  return { nodeId: "n", pid, actorId: null, jobId: "j", name, restarts: 0, startMs: 0, files: [] };
};

test("lines of several outputs stay whole, each with whose it is", () => {
  let text = "";
  const lines = new PrefixedLines((part) => {
    text += part;
  }, false);
  lines.add(source("A", 1), "one\ntw");
  lines.add(source("", 2), "other\n");
  lines.add(source("A", 1), "o\nlast");
  lines.flush();
  expect(text).toBe("(A pid=1) one\n(tasks pid=2) other\n(A pid=1) two\n(A pid=1) last\n");
});

test("cells are short and in words", () => {
  expect(cell({ CPU: 4, memory: 2 ** 34, "node:1.2.3.4": 1 })).toBe("CPU: 4, memory: 16.0 GiB");
  expect(cell("x".repeat(80))).toHaveLength(60);
  expect(cell(null)).toBe("");
  expect([0, 512, 1536, 2 ** 31].map(size)).toEqual(["0 B", "512 B", "1.5 KiB", "2.0 GiB"]);
  expect([0, 90_000, 600_000, 9_000_000].map((ms) => ago(0, ms))).toEqual(["0 s", "90 s", "10 min", "3 h"]);
});

test("the GPUs of a run are those it may have on the machines that have most", () => {
  const nodes = [2, 8, 4].map((GPU) => ({ alive: true, resources: { GPU } }));
  const config = (nnodes: number, perNode: number | "auto", layout: "separate" | "colocated" = "separate") =>
    ({ trainer_common: { nnodes, n_gpus_per_node: perNode }, trinity: { layout } }) as Parameters<typeof gpusOf>[0];
  expect(gpusOf(config(2, "auto"), nodes)).toBe(12);
  expect(gpusOf(config(2, 4), nodes)).toBe(8);
  expect(gpusOf(config(2, 4, "colocated"), nodes)).toBe(4);
  expect(gpusOf(config(1, "auto"), [])).toBe(0);
});

test("a token that others may read is not one", () => {
  const file = join(folder, "token");
  expect(checkToken(file)).toMatchObject({ state: "missing", needed: false, found: `none at ${file}` });
  writeFileSync(file, "secret", { mode: 0o600 });
  expect(checkToken(file)).toMatchObject({ state: "ok", found: `${file}, mode 0600` });
  chmodSync(file, 0o644);
  expect(checkToken(file)).toMatchObject({ state: "missing", advice: expect.stringContaining(`chmod 600 ${file}`) });
});

test("a head that does not answer is said, and needs not be there", async () => {
  const file = join(folder, "good-token");
  writeFileSync(file, "secret", { mode: 0o600 });
  expect(await checkHead({ address: "127.0.0.1:1", tokenFile: file })).toMatchObject({
    state: "missing",
    needed: false,
    found: expect.stringContaining("no head answers at 127.0.0.1:1"),
  });
});
