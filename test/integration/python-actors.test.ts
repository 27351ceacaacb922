import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ActorHandle,
  ActorUnavailableError,
  cancel,
  get,
  ObjectRefGenerator,
  put,
  pythonClass,
  pythonFunction,
  RayTaskError,
  RuntimeEnvSetupError,
  TaskCancelledError,
  Tensor,
} from "../../runtime/index.ts";
import { eventually } from "../fixtures/cluster.ts";
import { hasPythonHosts, pythonFixtures } from "../fixtures/python-hosts.ts";
import { rejection, runtimes } from "../fixtures/python-runtimes.ts";

type NumberArray = Float32Array | Int16Array | Tensor;

interface Counter {
  add(n: number): number;
  note(n: number): number[];
  pid(): number;
  doubled(array: NumberArray): NumberArray;
  described(value: unknown): string;
  sell(item: string): never;
  crash(): void;
  leave(): void;
  up_to(n: number): Generator<number>;
  seen(): [yielded: number, closed: boolean];
  add_to(other: object, n: number): number;
  sum_of(refs: readonly unknown[]): number;
  make(start: number): ActorHandle<Counter>;
  token(): string[];
}

interface Overlapping {
  enter(): Promise<number>;
  inside(): Promise<[now: number, most: number, cancelled: number]>;
  let_go(): Promise<void>;
  squares(n: number): AsyncGenerator<number>;
}

const folders = [pythonFixtures];
const Counters = pythonClass<Counter, [start?: number]>(
  "counters->Counter",
  {
    ...{ add: "sync", note: "sync", pid: "sync", doubled: "sync", described: "sync", sell: "sync", crash: "sync" },
    ...{ leave: "sync", up_to: "generator", seen: "sync", add_to: "sync", sum_of: "sync", make: "sync", token: "sync" },
  },
  { folders },
);
const Overlaps = pythonClass<Overlapping, [log?: string]>(
  "counters->Overlapping",
  { enter: "async", inside: "async", let_go: "async", squares: "asyncGenerator" },
  { folders },
);

describe.skipIf(!hasPythonHosts).each(runtimes)("Python actors on %s", (_, start) => {
  let end: () => Promise<void>;
  beforeAll(async () => {
    end = await start();
  });
  afterAll(() => end());

  test("live in a process of their own, and take values and references", async () => {
    const counter = Counters.remote(40);
    expect(await counter.add.remote(1)).toBe(41);
    expect(await counter.add.remote(put(1))).toBe(42);
    expect(await counter.add.remote(counter.add.remote(0))).toBe(84);
    expect(await counter.pid.remote()).not.toBe(process.pid);
    expect(await counter.sum_of.remote([put(1), counter.add.remote(0)])).toBe(85);
  });

  test("run the calls of one submitter in their order", async () => {
    const counter = Counters.remote();
    const calls = Array.from({ length: 200 }, (_each, index) => counter.note.remote(index));
    expect(await calls.at(-1)).toEqual(Array.from({ length: 200 }, (_each, index) => index));
  });

  test("see arrays as numpy arrays, and give numpy arrays as arrays", async () => {
    const counter = Counters.remote();
    expect(await counter.described.remote(new Float32Array(3))).toBe("ndarray float32(3,)");
    expect(await counter.doubled.remote(new Int16Array([1, -2]))).toEqual(new Int16Array([2, -4]));
    const matrix = new Tensor("f8", [2, 1], new Float64Array([1, 2]));
    expect(await counter.doubled.remote(matrix)).toEqual(new Tensor("f8", [2, 1], new Float64Array([2, 4])));
    const large = new Float32Array(1_000_000).fill(1.5);
    const doubled = (await counter.doubled.remote(large)) as Float32Array;
    expect([doubled.length, doubled[0], doubled.at(-1)]).toEqual([1_000_000, 3, 3]);
    expect(
      (await pythonFunction<(n: number) => Float32Array>("counters->zeros", { folders }).remote(300_000)).length,
    ).toBe(300_000);
  });

  test("throw errors that keep their name, fields and traceback", async () => {
    const error = await rejection(Counters.remote().sell.remote("ink"));
    expect(error).toBeInstanceOf(RayTaskError);
    expect(error).toMatchObject({ name: "OutOfStock", message: "no ink", item: "ink", left: 0 });
    expect((error as Error).stack).toMatch(/counters\.py", line \d+, in sell/);
    expect((error as Error).stack).not.toContain("astune_runtime");
  });

  test("stream what a generator yields, no further than it is taken, and close it", async () => {
    const counter = Counters.options({ maxConcurrency: 2 }).remote();
    const stream = counter.up_to.options({ generatorBackpressureNumObjects: 2 }).remote(100);
    expect(stream).toBeInstanceOf(ObjectRefGenerator);
    expect(await (await stream.next()).value).toBe(0);
    expect(await (await stream.next()).value).toBe(1);
    await eventually(
      async () => counter.seen.remote(),
      ([yielded]) => yielded === 4,
    );
    await stream.return();
    await eventually(
      async () => counter.seen.remote(),
      ([yielded, closed]) => yielded <= 5 && closed,
    );
    const all: number[] = [];
    for await (const value of counter.up_to.remote(4)) all.push(value);
    expect(all).toEqual([0, 1, 2, 3]);
  });

  test("overlap where they are asynchronous, as many as maxConcurrency says", async () => {
    const free = Overlaps.remote();
    const calls = Array.from({ length: 5 }, () => free.enter.remote());
    await eventually(
      async () => free.inside.remote(),
      ([now]) => now === 5,
    );
    await free.let_go.remote();
    expect(await get(calls)).toEqual([5, 5, 5, 5, 5]);
    const squares: number[] = [];
    for await (const value of free.squares.remote(4)) squares.push(value);
    expect(squares).toEqual([0, 1, 4, 9]);

    const pair = Overlaps.options({ maxConcurrency: 3 }).remote();
    const two = [pair.enter.remote(), pair.enter.remote()] as const;
    await eventually(
      async () => pair.inside.remote(),
      ([now]) => now === 2,
    );
    // The third takes the last place, so nobody lets them go until it is free again.
    const third = pair.enter.remote();
    const lettingGo = pair.let_go.remote();
    await cancel(third);
    await get([...two, lettingGo]);
  });

  test("are cancelled inside their code", async () => {
    const actor = Overlaps.remote();
    const waiting = actor.enter.remote();
    await eventually(
      async () => actor.inside.remote(),
      ([now]) => now === 1,
    );
    await cancel(waiting);
    expect(await rejection(waiting)).toBeInstanceOf(TaskCancelledError);
    await eventually(
      async () => actor.inside.remote(),
      ([now, , cancelled]) => now === 0 && cancelled === 1,
    );
  });

  test("are made again when their process dies, and stay dead where they may not be", async () => {
    const counter = Counters.options({ maxRestarts: 1 }).remote(7);
    await counter.add.remote(1);
    expect(await rejection(counter.crash.remote())).toBeInstanceOf(ActorUnavailableError);
    expect(await counter.add.remote(1)).toBe(8);
    expect(await rejection(counter.crash.remote())).toMatchObject({ code: "ACTOR_DIED" });
  });

  test("end themselves, and shut down before they do", async () => {
    expect(await rejection(Counters.remote().leave.remote())).toMatchObject({ code: "ACTOR_DIED" });
    const folder = await mkdtemp(join(tmpdir(), "astune-test-"));
    const log = join(folder, "log");
    const actor = Overlaps.remote(log);
    await actor.__ray_ready__.remote();
    await actor.__ray_terminate__.remote();
    await eventually(
      () => readFile(log, "utf8").catch(() => ""),
      (text) => text === "shut down\n",
    );
    await rm(folder, { recursive: true });
  });

  test("are refused by what is wrong with them", async () => {
    const wrong = pythonClass<{ nothing(): void }, []>("counters->Counter", { nothing: "sync" }, { folders });
    expect(await rejection(wrong.remote().nothing.remote())).toMatchObject({
      code: "RUNTIME_ENV_SETUP",
      message: expect.stringContaining("has no method nothing"),
    });
    const kind = pythonClass<{ add(n: number): Generator }, []>("counters->Counter", { add: "generator" }, { folders });
    const streamed = kind.remote().add.remote(1);
    expect(await rejection((await streamed.next()).value as PromiseLike<unknown>)).toBeInstanceOf(RuntimeEnvSetupError);
    const missing = pythonClass<{ add(n: number): number }, []>("no.such->Counter", { add: "sync" }, { folders });
    expect(await rejection(missing.remote().add.remote(1))).toMatchObject({
      message: expect.stringContaining("there is no module no.such"),
    });
    const thrown = pythonClass<{ add(n: number): number }, [unknown, number]>(
      "counters->Counter",
      { add: "sync" },
      { folders },
    );
    expect(await rejection(thrown.remote(1, 2).add.remote(1))).toMatchObject({
      message: expect.stringContaining("its constructor failed"),
    });
    expect(() => pythonClass("../counters->Counter", {})).toThrow("module->Class");
  });

  test("hand on handles of other Python actors", async () => {
    const maker = Counters.remote();
    const made = await maker.make.remote(3);
    expect(await made.add.remote(1)).toBe(4);
    expect(await Counters.remote(1).add_to.remote(made, 5)).toBe(9);
    await Counters.options({ name: "named" }).remote(2).add.remote(0);
    // Held until here: what it made ends with it.
    maker[Symbol.dispose]();
  });

  test("do not know the cluster's token", async () => {
    expect(await Counters.remote().token.remote()).toEqual([]);
  });
});
