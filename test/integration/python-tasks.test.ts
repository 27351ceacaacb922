import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cancel, pythonClass, pythonFunction, TaskCancelledError } from "../../runtime/index.ts";
import { eventually } from "../fixtures/cluster.ts";
import { hasPythonHosts, pythonFixtures } from "../fixtures/python-hosts.ts";
import { rejection, runtimes } from "../fixtures/python-runtimes.ts";

interface Overlapping {
  enter(): Promise<number>;
  inside(): Promise<[now: number, most: number, cancelled: number]>;
  let_go(): Promise<void>;
}

const folders = [pythonFixtures];
const Overlaps = pythonClass<Overlapping, []>(
  "counters->Overlapping",
  { enter: "async", inside: "async", let_go: "async" },
  { folders },
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.skipIf(!hasPythonHosts).each(runtimes)("Python tasks on %s", (_, start) => {
  let end: () => Promise<void>;
  beforeAll(async () => {
    end = await start();
  });
  afterAll(() => end());

  test("a cancelled task gives its place to the next one when its code has ended", async () => {
    const options = { numCpus: 4 };
    const forever = pythonFunction<() => Promise<void>>("counters->forever", { folders }, "async").options(options);
    const add = pythonFunction<(a: number, b: number) => number>("counters->add", { folders }).options(options);
    expect(await add.remote(1, 1)).toBe(2);
    const running = forever.remote();
    const next = add.remote(2, 3);
    await cancel(running);
    expect(await rejection(running)).toBeInstanceOf(TaskCancelledError);
    expect(await next).toBe(5);
  });

  test("force ends a task's process; an actor's method is not cancelled so", async () => {
    const folder = await mkdtemp(join(tmpdir(), "astune-test-"));
    const file = join(folder, "pid");
    const running = pythonFunction<(path: string) => never>("counters->blocks", { folders }).remote(file);
    const pid = Number(
      await eventually(
        () => readFile(file, "utf8").catch(() => ""),
        (text) => text !== "",
      ),
    );
    await cancel(running, { force: true });
    expect(await rejection(running)).toBeInstanceOf(TaskCancelledError);
    await eventually(
      async () => isAlive(pid),
      (alive) => !alive,
    );
    await rm(folder, { recursive: true });
    await expect(cancel(Overlaps.remote().enter.remote(), { force: true })).rejects.toThrow("an actor's method");
  });

  test("what a cancelled task waits for is cancelled, too, also where its code blocks", async () => {
    const actor = Overlaps.remote();
    const waitsFor = pythonFunction<(actor: object) => number>("counters->waits_for", { folders });
    const [kept, cancelled] = [waitsFor.remote(actor), waitsFor.remote(actor)];
    await eventually(
      async () => actor.inside.remote(),
      ([now]) => now === 2,
    );
    await cancel(kept, { recursive: false });
    await cancel(cancelled);
    await eventually(
      async () => actor.inside.remote(),
      ([now, , ended]) => now === 1 && ended === 1,
    );
    await actor.let_go.remote();
    expect(await actor.inside.remote()).toEqual([0, 2, 1]);
  });

  test("functions run as tasks", async () => {
    const add = pythonFunction<(a: number, b: number) => number>("counters->add", { folders });
    expect(await add.remote(1, add.remote(2, 3))).toBe(6);
    const fail = pythonFunction<(text: string) => never>("counters->fail", { folders });
    expect(await rejection(fail.options({ maxRetries: 0 }).remote("x"))).toMatchObject({
      name: "KeyError",
      message: "x",
    });
  });
});
