import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Capability } from "../../../actors/inference/capabilities.ts";
import { EngineHttp } from "../../../actors/inference/engine-http.ts";
import { BadWeightsError, EngineDiedError } from "../../../actors/inference/errors.ts";
import { defaultTimeouts } from "../../../actors/inference/options.ts";
import type { RunningServer, ServedWeights, ServerEnd } from "../../../actors/inference/running-server.ts";
import { SupervisedEngine } from "../../../actors/inference/supervised-engine.ts";
import { FakeEngineServer } from "./fake-engine-server.ts";
import { request } from "./scripted-engine.ts";

const good = { token_ids: [5], finish_reason: "stop", logprobs: { token_logprobs: [-1] } };

let socket: FakeEngineServer;
let servers: FakeServer[];
let events: string[];
let engine: SupervisedEngine;
/** What the next servers do instead of starting or loading weights. */
let startErrors: Error[];
let loadErrors: Error[];

class FakeServer implements RunningServer {
  readonly isOurs = true;
  readonly modelName = "model";
  readonly version = "1";
  readonly capabilities: ReadonlySet<Capability> = new Set<Capability>(["is_sleeping", "sleep", "pause_keep"]);
  readonly http = new EngineHttp(socket.socketPath);
  readonly loaded: ServedWeights[] = [];
  readonly ended: Promise<ServerEnd>;
  crash: () => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => {
      this.crash = () => resolve({ how: "ended by SIGKILL", lastOutput: ["out of memory"] });
    });
  }

  async loadWeights(weights: ServedWeights, swapped?: () => void): Promise<void> {
    const error = loadErrors.shift();
    if (error) throw error;
    this.loaded.push(weights);
    swapped?.();
  }

  async close(): Promise<void> {
    this.crash();
    await this.http.close();
  }
}

beforeEach(async () => {
  socket = await FakeEngineServer.open();
  socket.routes["/v1/completions"] = () => ({ body: { choices: [good] } });
  socket.routes["/health"] = () => ({});
  [servers, events, startErrors, loadErrors] = [[], [], [], []];
  engine = supervise({});
});
afterEach(async () => {
  await engine.close();
  await socket.close();
});

function supervise(timeouts: Partial<typeof defaultTimeouts>, partialRollouts = false): SupervisedEngine {
  return new SupervisedEngine({
    start: async () => {
      const error = startErrors.shift();
      if (error) throw error;
      const server = new FakeServer();
      servers.push(server);
      return server;
    },
    initial: { dir: "/model", version: 0 },
    stored: async (weights) => (weights.published ? { dir: "/again", version: weights.version + 1 } : weights),
    timeouts: { ...defaultTimeouts, ...timeouts },
    maxRestarts: 3,
    partialRollouts,
    onEvent: (line) => events.push(line),
  });
}

describe("a supervised engine", () => {
  test("a crashed server is started again with the weights it had, and requests wait for it", async () => {
    await engine.start();
    await engine.setWeights({ dir: "/w7", version: 7 });
    servers[0]?.crash();
    await expect.poll(() => servers.length).toBe(2);
    expect((await engine.generate(request())).weightVersions).toEqual([7]);
    expect(servers[1]?.loaded).toEqual([{ dir: "/w7", version: 7 }]);
  });

  test("weights that change under a reply cut it: the tokens before are of the old ones, those after of the new", async () => {
    engine = supervise({}, true);
    let goOn = (): void => {};
    const paused = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let began = false;
    const chunk = (id: number, finish_reason: string | null) => ({
      choices: [{ token_ids: [id], finish_reason, logprobs: { token_logprobs: [-id] } }],
    });
    async function* events() {
      yield chunk(1, null);
      began = true;
      await paused;
      yield chunk(2, null);
      yield chunk(3, "stop");
    }
    socket.routes["/v1/completions"] = () => ({ events: events() });
    await engine.start();
    const reply = engine.generate(request());
    await expect.poll(() => began).toBe(true);
    // Another request, whose answer shows that what was sent before it has arrived.
    await engine.healthy();
    await engine.setWeights({ dir: "/w1", version: 1 });
    goOn();
    expect(await reply).toMatchObject({ tokenIds: [1, 2, 3], weightVersions: [0, 1, 1] });
  });

  test("a stream that breaks off is a death of the engine, not a short reply", async () => {
    engine = supervise({}, true);
    socket.routes["/v1/completions"] = () => ({ body: "" });
    await engine.start();
    await expect(engine.generate(request())).rejects.toMatchObject({ code: "ENGINE_DIED", retryable: true });
  });

  test("before the first swap a restart loads nothing: the model's folder is what it starts from", async () => {
    await engine.start();
    servers[0]?.crash();
    await expect.poll(() => servers.length).toBe(2);
    await engine.generate(request());
    expect(servers[1]?.loaded).toEqual([]);
  });

  test("a failed swap starts the server again with the last good weights and says why", async () => {
    await engine.start();
    await engine.setWeights({ dir: "/w1", version: 1 });
    loadErrors.push(new Error("shape of lm_head differs"));
    const swap = engine.setWeights({ dir: "/w2", version: 2 });
    await expect(swap).rejects.toMatchObject({ code: "WEIGHT_SWAP", servedVersion: 1, message: /lm_head/ });
    expect(servers).toHaveLength(2);
    expect((await engine.generate(request())).weightVersions).toEqual([1]);
    expect(servers[1]?.loaded).toEqual([{ dir: "/w1", version: 1 }]);
  });

  test("a server that dies in the middle of a swap gets the new weights after it is back", async () => {
    await engine.start();
    loadErrors.push(new EngineDiedError({ during: "a swap" }));
    await engine.setWeights({ dir: "/w2", version: 2 });
    expect(servers[1]?.loaded).toEqual([{ dir: "/w2", version: 2 }]);
    expect(engine.weightVersion).toBe(2);
  });

  test("published weights come from a folder when the server starts again, with the version that lies there", async () => {
    const published = { version: 7, bytes: 0, tensors: [], memory: {} };
    await engine.start();
    await engine.setWeights({ published, version: 7 });
    expect(servers[0]?.loaded).toEqual([{ published, version: 7 }]);
    servers[0]?.crash();
    await expect.poll(() => servers.length).toBe(2);
    expect((await engine.generate(request())).weightVersions).toEqual([8]);
    expect(servers[1]?.loaded).toEqual([{ dir: "/again", version: 8 }]);
  });

  test("weights that a server refuses before it touches its own change nothing", async () => {
    await engine.start();
    loadErrors.push(new BadWeightsError({ dir: "the learner's memory", why: "lm_head did not arrive" }));
    await expect(engine.setWeights({ dir: "/w2", version: 2 })).rejects.toMatchObject({ servedVersion: 0 });
    expect(servers).toHaveLength(1);
    expect((await engine.generate(request())).weightVersions).toEqual([0]);
  });

  test("a server that never comes back is given up, and requests say so at once", async () => {
    await engine.start();
    startErrors.push(new Error("no GPU"), new Error("no GPU"), new Error("no GPU"));
    servers[0]?.crash();
    await expect.poll(() => engine.state).toBe("failed");
    const refused = engine.generate(request());
    await expect(refused).rejects.toMatchObject({
      code: "ENGINE_DIED",
      message: /SIGKILL.*did not come back[\s\S]*out of memory/,
    });
  });

  test("a server that hangs is ended and started again", async () => {
    engine = supervise({ healthEveryMs: 5, healthMs: 20 });
    await engine.start();
    socket.routes["/health"] = () => ({ hang: true });
    await expect.poll(() => servers.length).toBeGreaterThan(1);
    socket.routes["/health"] = () => ({});
    expect(events.join("\n")).toContain("hangs");
    await expect.poll(() => engine.healthy()).toBe(true);
  });

  test("an engine that answers 200 to sleep and stays awake is not believed", async () => {
    await engine.start();
    socket.routes["/sleep"] = () => ({ body: { status: "sleeping" } });
    socket.routes["/is_sleeping"] = () => ({ body: { is_sleeping: false } });
    await expect(engine.sleep(1)).rejects.toMatchObject({ code: "ENGINE_SLEEP" });
    expect(engine.state).toBe("ready");
  });

  test("weights come back before the caches when the engine slept so deep that it lost them", async () => {
    await engine.start();
    await engine.setWeights({ dir: "/w3", version: 3 });
    let sleeping = true;
    socket.routes["/sleep"] = () => ({ body: {} });
    socket.routes["/is_sleeping"] = () => ({ body: { is_sleeping: sleeping } });
    socket.routes["/wake_up"] = () => {
      sleeping = false;
      return { body: {} };
    };
    await engine.sleep(2);
    await engine.wake();
    const woken = socket.asked.filter((asked) => asked.path === "/wake_up").map((asked) => asked.query.get("tags"));
    expect(woken).toEqual(["weights", "kv_cache"]);
    expect(servers[0]?.loaded.map((weights) => weights.version)).toEqual([3, 3]);
  });

  test("after close requests are refused and nothing is started again", async () => {
    await engine.start();
    await engine.close();
    await engine.close();
    await expect(engine.generate(request())).rejects.toMatchObject({ code: "ENGINE_DIED" });
    expect(servers).toHaveLength(1);
  });
});
