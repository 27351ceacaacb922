/** The kernel's process, with small programs in its place: replies, events, deaths and ends. No torch is needed. */

import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  KernelDiedError,
  KernelError,
  type KernelEvent,
  KernelProcess,
  pythonPath,
} from "../../../actors/learner/index.ts";

let folder: string;
const open: KernelProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-kernel-test-"));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((kernel) => kernel.close(200)));
  await rm(folder, { recursive: true });
});

/** A kernel whose program is `source`, JavaScript that has `reply(id, result)` and gets each request in `on`. */
function start(on: string, before = "", onEvent?: (event: KernelEvent) => void): KernelProcess {
  const program = join(folder, "program.cjs");
  writeFileSync(
    program,
    `const say = (m) => process.stdout.write(JSON.stringify(m) + "\\n");
     const reply = (id, result) => say({ id, result });
     ${before}
     require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
       const { id, method, params } = JSON.parse(line);
       ${on}
     });`,
  );
  const kernel = new KernelProcess({
    logDir: join(folder, "logs"),
    python: process.execPath,
    program,
    ...(onEvent ? { onEvent } : {}),
  });
  open.push(kernel);
  return kernel;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("replies reach their calls in whatever order they come", async () => {
  const kernel = start(
    "globalThis.held = [...(globalThis.held ?? []), id]; if (held.length === 3) for (const i of held.reverse()) reply(i, i * 10);",
  );
  expect(await Promise.all([kernel.call("a"), kernel.call("b"), kernel.call("c")])).toEqual([10, 20, 30]);
});

test("an error of the kernel carries its type and traceback", async () => {
  const kernel = start('say({ id, error: { type: "OutOfMemory", message: "no room", traceback: "line 3" } });');
  const error = await kernel.call("train").catch((e: unknown) => e);
  expect(error).toBeInstanceOf(KernelError);
  expect(error).toMatchObject({ type: "OutOfMemory", message: "no room", traceback: "line 3", method: "train" });
});

test("events are passed on, and stray lines go to the log", async () => {
  const events: KernelEvent[] = [];
  const kernel = start('console.log("stray"); say({ event: "progress", done: 1, total: 2 }); reply(id, {});', "", (e) =>
    events.push(e),
  );
  await kernel.call("train");
  expect(events).toEqual([{ event: "progress", done: 1, total: 2 }]);
  await kernel.close();
  expect(readFileSync(kernel.logFile, "utf8")).toContain("stray");
});

test("a kernel that dies rejects every call, under way and later, with its last output", async () => {
  const kernel = start('console.error("the GPU fell off"); process.exit(3);');
  const [first, second] = await Promise.all(
    ["train", "save_checkpoint"].map((m) => kernel.call(m).catch((e: unknown) => e)),
  );
  expect(first).toBeInstanceOf(KernelDiedError);
  expect(first).toMatchObject({ exitCode: 3, lastOutput: ["the GPU fell off"], code: "KERNEL_DIED" });
  expect((first as Error).message).toContain("ended with exit code 3 during train");
  expect(second).toMatchObject({ exitCode: 3 });
  await expect(kernel.call("load")).rejects.toThrow("before load");
});

test("a kernel killed by a signal says which", async () => {
  const kernel = start("process.kill(process.pid, 'SIGKILL');");
  await expect(kernel.call("train")).rejects.toMatchObject({ signal: "SIGKILL" });
});

test("a program that cannot be started is an error, not a hang", async () => {
  const kernel = new KernelProcess({ logDir: folder, python: join(folder, "no-such-python") });
  open.push(kernel);
  await expect(kernel.call("hello")).rejects.toThrow(KernelDiedError);
});

test("only the last lines of a long output are kept", async () => {
  const kernel = start(
    'for (let i = 0; i < 5000; i++) console.error("line " + i); process.exitCode = 1; process.stdin.destroy();',
  );
  const { lastOutput } = (await kernel.call("train").catch((e: KernelDiedError) => e)) as KernelDiedError;
  expect(lastOutput.length).toBe(40);
  expect(lastOutput.at(-1)).toBe("line 4999");
});

test("close lets the kernel end by itself, and may be called twice", async () => {
  const kernel = start("reply(id, {});");
  await kernel.call("hello");
  await Promise.all([kernel.close(), kernel.close()]);
  expect(await kernel.ended).toMatchObject({ exitCode: 0 });
  expect(alive(kernel.pid)).toBe(false);
});

test("a kernel that ignores everything is killed with the children it started", async () => {
  const kernel = start(
    "reply(id, { child: child.pid });",
    `process.on("SIGTERM", () => {});
     setInterval(() => {}, 1000);
     const child = require("node:child_process").spawn("sleep", ["1000"]);`,
  );
  const { child } = await kernel.call<{ child: number }>("hello");
  await kernel.close(50);
  expect(await kernel.ended).toMatchObject({ signal: "SIGKILL" });
  await expect.poll(() => alive(child)).toBe(false);
});

test("a missing interpreter is the user's to mend, and says how", () => {
  expect(() => pythonPath({}, join(folder, "package"))).toThrow(
    `Python: expected a Python interpreter with torch and transformers, got nothing that can be run at ${join(folder, "package")}`,
  );
  expect(() => pythonPath({ ASTUNE_PYTHON: "/nowhere/python" })).toThrow("ASTUNE_PYTHON: expected");
  expect(pythonPath({ ASTUNE_PYTHON: process.execPath })).toBe(process.execPath);
});
