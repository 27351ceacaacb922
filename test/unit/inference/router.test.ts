import { describe, expect, test } from "vitest";
import { EngineDiedError, EngineRequestError, EngineRouter } from "../../../actors/inference/index.ts";
import { choosePlace } from "../../../actors/inference/router.ts";
import { request, ScriptedEngine } from "./scripted-engine.ts";

describe("choosing a place", () => {
  const places = [
    { index: 0, inFlight: 5 },
    { index: 1, inFlight: 2 },
    { index: 2, inFlight: 9 },
  ];

  test("the engine that has the prefix is preferred while it is not much busier", () => {
    expect(choosePlace(places, 0, 3)?.index).toBe(0);
  });

  test("a much busier engine loses its prefix to the least busy one", () => {
    expect(choosePlace(places, 2, 3)?.index).toBe(1);
  });

  test("an unknown prefix goes to the least busy engine", () => {
    expect(choosePlace(places, undefined, 3)?.index).toBe(1);
  });

  test("with no place there is none to choose", () => {
    expect(choosePlace([], 0, 3)).toBeUndefined();
  });
});

describe("EngineRouter", () => {
  test("requests of one affinity go to one engine, others to the least busy", async () => {
    const engines = [new ScriptedEngine(), new ScriptedEngine()];
    const router = new EngineRouter(engines);
    const held = router.generate(request({ affinity: "a" }));
    const other = router.generate(request({ affinity: "b" }));
    const again = router.generate(request({ affinity: "a" }));
    expect(router.load()).toEqual([2, 1]);
    for (const engine of engines) engine.answerAll();
    await Promise.all([held, other, again]);
    expect(router.load()).toEqual([0, 0]);
    expect(engines[0]?.seen.map((r) => r.affinity)).toEqual(["a", "a"]);
  });

  test("prompts that begin alike share an engine where no affinity is given", async () => {
    const engines = [new ScriptedEngine(), new ScriptedEngine()];
    const router = new EngineRouter(engines);
    const start = Array.from({ length: 64 }, (_, i) => i);
    const replies = [[1], [2], [3]].map((end) => router.generate(request({ promptIds: [...start, ...end] })));
    expect(router.load()).toEqual([3, 0]);
    engines[0]?.answerAll();
    await Promise.all(replies);
  });

  test("load beyond the margin spills over to another engine", async () => {
    const engines = [new ScriptedEngine(), new ScriptedEngine()];
    const router = new EngineRouter(engines, { margin: 2 });
    const replies = Array.from({ length: 8 }, () => router.generate(request({ affinity: "a" })));
    expect(Math.min(...router.load())).toBeGreaterThan(0);
    for (const engine of engines) engine.answerAll();
    await Promise.all(replies);
  });

  test("a retryable failure is tried once on another engine, and the failed one is avoided", async () => {
    const [bad, good] = [new ScriptedEngine(), new ScriptedEngine()];
    bad.failWith(new EngineDiedError({ during: "a test" }));
    good.answerAtOnce();
    const router = new EngineRouter([bad, good], { now: () => 0 });
    await router.generate(request({ affinity: "a" }));
    expect(router.failed()).toEqual([0]);
    await router.generate(request({ affinity: "a" }));
    expect(bad.seen).toHaveLength(1);
    expect(good.seen).toHaveLength(2);
  });

  test("a failure on both engines reaches the caller after two tries", async () => {
    const engines = [new ScriptedEngine(), new ScriptedEngine()];
    for (const engine of engines) engine.failWith(new EngineDiedError({ during: "a test" }));
    const router = new EngineRouter(engines);
    await expect(router.generate(request())).rejects.toMatchObject({ code: "ENGINE_DIED" });
    expect(engines.map((engine) => engine.seen.length)).toEqual([1, 1]);
  });

  test("a refused request is not tried again", async () => {
    const [refusing, other] = [new ScriptedEngine(), new ScriptedEngine()];
    refusing.failWith(new EngineRequestError({ during: "a test", status: 400, message: "too long" }));
    const router = new EngineRouter([refusing, other]);
    await expect(router.generate(request())).rejects.toMatchObject({ status: 400 });
    expect(other.seen).toHaveLength(0);
    expect(router.failed()).toEqual([]);
  });

  test("a failed engine that says it is healthy again gets requests again", async () => {
    const [first, second] = [new ScriptedEngine(), new ScriptedEngine()];
    first.failWith(new EngineDiedError({ during: "a test" }));
    second.answerAtOnce();
    let now = 0;
    const router = new EngineRouter([first, second], { retryAfterMs: 100, now: () => now });
    await router.generate(request({ affinity: "a" }));
    first.answerAtOnce();
    first.isHealthy = false;
    now = 200;
    await router.generate(request({ affinity: "a" }));
    expect(router.failed()).toEqual([0]);
    first.isHealthy = true;
    now = 400;
    await router.generate(request({ affinity: "a" }));
    await expect.poll(() => router.failed()).toEqual([]);
  });
});
