import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EngineHttp } from "../../../actors/inference/engine-http.ts";
import { FakeEngineServer } from "./fake-engine-server.ts";

let server: FakeEngineServer;
let http: EngineHttp;

beforeEach(async () => {
  server = await FakeEngineServer.open();
  http = new EngineHttp(server.socketPath);
});
afterEach(async () => {
  await http.close();
  await server.close();
});

const get = (path: string, timeoutMs = 5_000): Promise<unknown> => http.json({ method: "GET", path, timeoutMs });

describe("HTTP to an engine", () => {
  test("an empty reply is null and a JSON reply its value", async () => {
    server.routes["/empty"] = () => ({});
    server.routes["/full"] = () => ({ body: { a: 1 } });
    expect(await get("/empty")).toBeNull();
    expect(await get("/full")).toEqual({ a: 1 });
  });

  test("512 requests are under way at once", async () => {
    let open = 0;
    let release = (): void => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.routes["/hold"] = async () => {
      if (++open === 512) release();
      await all;
      return { body: {} };
    };
    await Promise.all(Array.from({ length: 512 }, () => get("/hold", 20_000)));
    expect(open).toBe(512);
  });

  test("an HTTP error carries its status and the server's words, whichever form they have", async () => {
    server.routes["/openai"] = () => ({ status: 400, body: { error: { message: "too long" } } });
    server.routes["/fastapi"] = () => ({ status: 503, body: { detail: "not now" } });
    await expect(get("/openai")).rejects.toMatchObject({ status: 400, retryable: false, message: /too long/ });
    await expect(get("/fastapi")).rejects.toMatchObject({ status: 503, retryable: true, message: /not now/ });
  });

  test("a server that never answers is a timeout, which may be tried again", async () => {
    server.routes["/hang"] = () => ({ hang: true });
    await expect(get("/hang", 50)).rejects.toMatchObject({ code: "ENGINE_TIMEOUT", waitedMs: 50, retryable: true });
  });

  test("a broken connection and a missing socket are a dead engine", async () => {
    server.routes["/drop"] = () => ({ drop: true });
    await expect(get("/drop")).rejects.toMatchObject({ code: "ENGINE_DIED", retryable: true });
    const nowhere = new EngineHttp("/tmp/astune-no-such.sock");
    await expect(nowhere.json({ method: "GET", path: "/", timeoutMs: 5_000 })).rejects.toMatchObject({
      code: "ENGINE_DIED",
    });
    await nowhere.close();
  });

  test("the caller's own signal ends a request with its own reason", async () => {
    server.routes["/hang"] = () => ({ hang: true });
    const reason = new Error("the episode is over");
    const asked = http.json({ method: "GET", path: "/hang", timeoutMs: 60_000, signal: AbortSignal.abort(reason) });
    await expect(asked).rejects.toBe(reason);
  });
});
