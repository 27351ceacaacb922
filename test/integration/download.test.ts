/** Downloading a data set from a stand-in hub: whole, cut off and continued, damaged, refused, and read as tasks. */

import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { downloadDataset, openTasks } from "../../actors/tasks/index.ts";
import { download } from "../../bin/commands/download.ts";
import { UserError } from "../../configs/index.ts";
import { HubServer } from "./hub-server.ts";

const large = randomBytes(3_000_000);
const files = {
  "README.md": Buffer.from("# A data set\n"),
  "main/train.jsonl": Buffer.from(`{"question":"1+1?","answer":"#### 2"}\n{"question":"2+2?","answer":"#### 4"}\n`),
  "main/test.jsonl": Buffer.from(`{"question":"3+3?","answer":"#### 6"}\n`),
  "extra/large.bin": large,
};
let hub: HubServer;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-download-"));
  hub = new HubServer("someone/sums", files);
  vi.stubEnv("HF_ENDPOINT", await hub.start());
  vi.stubEnv("HF_TOKEN", "");
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});

const fetched = () => hub.requests.filter((each) => each.path.includes("resolve") || each.path.startsWith("/lfs"));

test("every file arrives as it is, with lines that say how far it is", async () => {
  const lines: string[] = [];
  await download({ target: "someone/sums", path: join(folder, "new"), print: (line) => lines.push(line) });
  for (const [path, content] of Object.entries(files)) {
    expect(content.equals(await readFile(join(folder, "new", path)))).toBe(true);
  }
  expect(lines.some((line) => /^\[\d\/4\] extra\/large\.bin .* 3\.0 MB {2}100%$/.test(line))).toBe(true);
  expect(lines.at(-1)).toMatch(/^someone\/sums: 4 files, 3\.0 MB in .*new \(/);
});

test("what is there is not fetched again", async () => {
  await downloadDataset({ name: "someone/sums", folder });
  hub.requests.length = 0;
  await downloadDataset({ name: "someone/sums", folder });
  expect(fetched()).toEqual([]);
});

test("a connection that breaks is taken up where it broke", async () => {
  hub.cuts.push(1_000_000, 500_000);
  const seen: number[] = [];
  const choose = () => ["extra/large.bin"];
  await downloadDataset({
    name: "someone/sums",
    folder,
    choose,
    retryWaitMs: 5,
    onProgress: (p) => seen.push(p.receivedBytes),
  });
  expect(large.equals(await readFile(join(folder, "extra/large.bin")))).toBe(true);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  const starts = fetched().map((each) => Number(/bytes=(\d+)-/.exec(each.range ?? "")?.[1] ?? 0));
  expect(starts.filter((start) => start > 0).length).toBeGreaterThanOrEqual(2);
  expect((await readdir(join(folder, "extra"))).sort()).toEqual(["large.bin"]);
});

test("a download that was given up is continued by the next", async () => {
  hub.cuts.push(2_000_000);
  const options = { name: "someone/sums", folder, choose: () => ["extra/large.bin"], retries: 0 };
  await expect(downloadDataset(options)).rejects.toThrow(UserError);
  const [partial = ""] = await readdir(join(folder, "extra"));
  expect(partial).toMatch(/^large\.bin\.[0-9a-f]{12}\.partial$/);
  const kept = (await stat(join(folder, "extra", partial))).size;
  expect(kept).toBeGreaterThan(0);
  hub.requests.length = 0;
  await downloadDataset(options);
  expect(large.equals(await readFile(join(folder, "extra/large.bin")))).toBe(true);
  expect(fetched().some((each) => each.range?.startsWith(`bytes=${kept}-`))).toBe(true);
});

test("a damaged file is fetched again", async () => {
  hub.damage = 1;
  await downloadDataset({ name: "someone/sums", folder, choose: () => ["extra/large.bin"], retryWaitMs: 5 });
  expect(large.equals(await readFile(join(folder, "extra/large.bin")))).toBe(true);
});

test("the token of HF_TOKEN is sent; without it the refusal says so", async () => {
  hub.token = "hf_secret";
  const error = (await downloadDataset({ name: "someone/sums", folder }).catch((reason: unknown) => reason)) as Error;
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toMatch(/HTTP 401.*HF_TOKEN/);
  vi.stubEnv("HF_TOKEN", "hf_secret");
  expect(await downloadDataset({ name: "someone/sums", folder })).toHaveLength(4);
});

test("a data set that is not there, a bad name and no network are one clear line", async () => {
  const to = (target: string) => download({ target, path: folder, print: () => undefined });
  await expect(to("someone/other")).rejects.toThrow(
    /someone\/other: expected a data set on http.*got no such data set/,
  );
  await expect(to("../x")).rejects.toThrow(/--target: expected a data set's name/);
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:1");
  await expect(to("someone/sums")).rejects.toThrow(/check the network, or set HF_ENDPOINT/);
});

test("a reader fetches only its split, and works from its cache without a network", async () => {
  const reader = {
    type: "huggingface_dat_repo",
    huggingface_dat_repo: { dataset_path: "someone/sums", training_split: "train", validation_split: "test" },
  };
  const tasks = await openTasks(reader, "training");
  expect(tasks.length).toBe(2);
  expect(await tasks.at(1)).toMatchObject({ mainQuery: "2+2?", metadata: { answer: "#### 4" } });
  expect(new Set(fetched().map((each) => each.path))).toEqual(
    new Set(["/datasets/someone/sums/resolve/main/main/train.jsonl"]),
  );
  await hub.stop();
  expect((await openTasks(reader, "training")).length).toBe(2);
  await expect(openTasks(reader, "validation")).rejects.toThrow(UserError);
  await hub.start();
});
