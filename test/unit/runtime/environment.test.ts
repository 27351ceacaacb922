import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mergeRuntimeEnv } from "../../../runtime/core/index.ts";
import { NodeEnvironments, PackageStore } from "../../../runtime/environment/index.ts";
import { packFolder, unpackFolder } from "../../../runtime/environment/package-file.ts";
import { RuntimeEnvSetupError } from "../../../runtime/errors/index.ts";

let root: string;
let folder: string;
const write = (path: string, text: string) => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "astune-env-"));
  folder = join(root, "project");
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

test("an actor's own variables are added to the job's, and win; of the rest its own replaces the job's", () => {
  const job = { envVars: { A: "job", B: "job" }, workingDir: "package:1", excludes: ["x"], pip: ["a"] };
  expect(mergeRuntimeEnv(job, {})).toBe(job);
  expect(mergeRuntimeEnv({}, job)).toBe(job);
  expect(mergeRuntimeEnv(job, { envVars: { B: "own" }, pip: ["b"] })).toEqual({
    ...job,
    envVars: { A: "job", B: "own" },
    pip: ["b"],
  });
  expect(mergeRuntimeEnv(job, { workingDir: "/w" })).toEqual({
    envVars: job.envVars,
    workingDir: "/w",
    pip: ["a"],
  });
});

test("a folder arrives as it was, without what is excluded", () => {
  for (const path of ["main.ts", "lib/deep/a.py", "data/big.bin", "data/small.txt", "notes.log", "lib/notes.log"])
    write(path, path);
  for (const path of [".git/HEAD", "venv/x", "lib/__pycache__/a.pyc", ".venv/y"]) write(path, path);
  chmodSync(join(folder, "main.ts"), 0o755);
  symlinkSync("lib/deep", join(folder, "short"));
  const { id, bytes } = packFolder(folder, ["*.log", "data/*.bin"]);
  expect(packFolder(folder, ["*.log", "data/*.bin"]).id).toBe(id);
  const copy = join(root, "copy");
  unpackFolder(bytes, copy);
  expect(readFileSync(join(copy, "short", "a.py"), "utf8")).toBe("lib/deep/a.py");
  expect(statSync(join(copy, "main.ts")).mode & 0o777).toBe(0o755);
  const missing = ["notes.log", "lib/notes.log", "data/big.bin", ".git", "venv", ".venv", "lib/__pycache__"];
  expect(missing.filter((path) => existsSync(join(copy, path)))).toEqual([]);
  expect(existsSync(join(copy, "data/small.txt"))).toBe(true);
  write("main.ts", "changed");
  expect(packFolder(folder, ["*.log", "data/*.bin"]).id).not.toBe(id);
});

test("a folder that is too large, or that leads out of itself, is refused in one line", () => {
  write("weights/model.bin", "");
  truncateSync(join(folder, "weights/model.bin"), 101 * 2 ** 20);
  write("main.ts", "x");
  expect(() => packFolder(folder, [])).toThrow(
    /^workingDir .*project: it has 101 MiB in 2 files, at most 100 MiB are sent \(the largest: weights 101 MiB, main.ts 0 MiB\): name what is not needed in runtimeEnv.excludes$/,
  );
  expect(packFolder(folder, ["weights/"]).bytes.length).toBeLessThan(1000);
  symlinkSync("/etc/passwd", join(folder, "link"));
  expect(() => packFolder(folder, ["weights"])).toThrow(/the link link leads out of it/);
});

test("a package that leads out of its folder is refused", () => {
  const list = Buffer.from(JSON.stringify([{ path: "../outside", mode: 0o644, size: 1 }]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(list.length);
  const bytes = gzipSync(Buffer.concat([Buffer.from("astune-package-1"), length, list, Buffer.from("x")]));
  expect(() => unpackFolder(bytes, join(root, "copy"))).toThrow("outside of its folder");
  expect(existsSync(join(root, "outside"))).toBe(false);
});

test("packages are kept by their content, in parts, and the least used go when there are too many", async () => {
  write("main.ts", "x".repeat(1000));
  const store = new PackageStore(join(root, "packages"), 150);
  const { id, bytes } = packFolder(folder, []);
  const half = bytes.length >> 1;
  const part = (offset: number, end: number) => ({
    id,
    offset,
    total: bytes.length,
    data: bytes.subarray(offset, end),
  });
  await store.put(part(0, half));
  expect(await store.get({ id, offset: 0 })).toBeNull();
  const last = store.put(part(half, bytes.length));
  // Asked right behind the last part.
  expect(await store.get({ id, offset: 0 })).toEqual({ total: bytes.length, data: bytes });
  await last;
  await expect(store.put({ id: "0".repeat(64), offset: 0, total: 1, data: bytes.subarray(0, 1) })).rejects.toThrow(
    "arrived incomplete",
  );
  await expect(store.put({ ...part(0, 1), id: "../x" })).rejects.toThrow("not a package's id");
  write("main.ts", "y".repeat(1000));
  write("more.ts", "y".repeat(10));
  const other = packFolder(folder, []);
  await store.put({ id: other.id, offset: 0, total: other.bytes.length, data: other.bytes });
  expect(await store.get({ id, offset: 0 })).toBeNull();
  expect(await store.get({ id: other.id, offset: 0 })).not.toBeNull();
});

test("a node makes an environment once for all who ask at once, and again where it had failed", async () => {
  write("main.ts", "x");
  const { id, bytes } = packFolder(folder, []);
  let fetches = 0;
  const environments = new NodeEnvironments({
    folder: join(root, "environments"),
    python: () => "python3",
    fetch: async () => {
      fetches += 1;
      return fetches === 1 ? null : { total: bytes.length, data: bytes };
    },
  });
  const prepare = () => environments.prepare({ workingDir: `package:${id}` }, "typescript");
  await expect(prepare()).rejects.toThrow(RuntimeEnvSetupError);
  const [one, two] = await Promise.all([prepare(), prepare()]);
  expect(one).toEqual(two);
  expect(fetches).toBe(2);
  expect(readFileSync(join(one.workingDir ?? "", "main.ts"), "utf8")).toBe("x");
});

test("an installer's last lines, and a time limit, are the error", async () => {
  const environments = new NodeEnvironments({
    folder: join(root, "environments"),
    python: () => "python3",
    fetch: () => new Promise(() => {}),
  });
  const npm = [join(root, "no-such-package")];
  await expect(environments.prepare({ npm }, "typescript")).rejects.toThrow(
    /^npm ended with status \d+:\n(.*\n)*.*no-such/,
  );
  const late = environments.prepare({ workingDir: "package:a", config: { setupTimeoutSeconds: 0.05 } }, "python");
  await expect(late).rejects.toThrow("was not ready within 0.05 s (config.setupTimeoutSeconds)");
});
