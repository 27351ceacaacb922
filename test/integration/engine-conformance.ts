/** What every engine must do, whichever it is: one suite, run for the embedded engine and for vLLM. */

import { existsSync } from "node:fs";
import { cp, mkdtemp, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type EngineInfo,
  type GenerateReply,
  type GenerateRequest,
  InferenceActor,
  type InferenceOptions,
} from "../../actors/inference/index.ts";
import { groupMembers } from "../../actors/inference/process-group.ts";
import { largestDifference, MODEL, Reference, removeFolder } from "./engine-support.ts";

const TOLERANCE = 1e-3;

export interface ConformanceOptions {
  readonly name: string;
  /** Requests at once in the test of many. */
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly engine: Omit<InferenceOptions, "logDir" | "modelPath">;
}

const prompts = Array.from({ length: 8 }, (_, row) =>
  Array.from({ length: 5 + 9 * row }, (_, i) => 40 + ((i * 7 + row * 13) % 900)),
);

function ask(changes: Partial<GenerateRequest> = {}): GenerateRequest {
  const prompt = prompts[1] as number[];
  const fixed = { requestId: "t", promptIds: prompt, maxTokens: 16, temperature: 1, topP: 1, topK: -1, seed: 1 };
  return { ...fixed, stopTokenIds: [], ...changes };
}

export function engineConformance(options: ConformanceOptions): void {
  describe(`the ${options.name} engine`, { timeout: options.timeoutMs }, () => {
    let engine: InferenceActor;
    let info: EngineInfo;
    let logDir: string;
    let other: string;
    const reference = new Reference();
    const events: string[] = [];

    beforeAll(async () => {
      logDir = await mkdtemp(join(tmpdir(), "astune-logs-"));
      other = await reference.otherWeights();
      engine = new InferenceActor({
        ...options.engine,
        modelPath: MODEL,
        logDir,
        onEvent: (line) => events.push(line),
      });
      info = await engine.start();
      console.log(
        `${options.name} ${info.version}: up in ${info.startSeconds.toFixed(1)} s; ${info.capabilities.join(" ")}`,
      );
    }, options.timeoutMs);

    afterAll(async () => {
      await engine.close();
      reference.close();
      await removeFolder(other);
      await removeFolder(logDir);
    }, options.timeoutMs);

    async function expectExact(model: string, requests: readonly GenerateRequest[], replies: readonly GenerateReply[]) {
      const sampled = replies.map((reply, i) => {
        const { promptIds, temperature } = requests[i] as GenerateRequest;
        return { promptIds, temperature, tokenIds: reply.tokenIds };
      });
      const difference = largestDifference(
        replies.map((reply) => reply.logprobs),
        await reference.logprobs(model, sampled),
      );
      expect(difference).toBeLessThan(TOLERANCE);
    }

    test("it is healthy, says its version, and keeps a log", async () => {
      expect(info).toMatchObject({ kind: options.engine.kind, version: expect.stringMatching(/\d/) });
      expect(await engine.health()).toMatchObject({ healthy: true, state: "ready", weightVersion: 0, inFlight: 0 });
    });

    test("log-probabilities are those of a plain forward pass, after temperature, untempered at 0", async () => {
      const requests = [1, 0.7, 0].flatMap((temperature) =>
        prompts.map((promptIds, seed) => ask({ promptIds, temperature, seed })),
      );
      const replies = await Promise.all(requests.map((request) => engine.generate(request)));
      for (const reply of replies) {
        expect(reply.logprobs).toHaveLength(reply.tokenIds.length);
        expect(reply.weightVersions).toEqual(reply.tokenIds.map(() => 0));
      }
      await expectExact(MODEL, requests, replies);
    });

    test("a seed gives the same tokens again, and another seed others", async () => {
      const warm = { temperature: 1.5, maxTokens: 24 };
      const [first, again, another] = [
        await engine.generate(ask({ ...warm, seed: 11 })),
        await engine.generate(ask({ ...warm, seed: 11 })),
        await engine.generate(ask({ ...warm, seed: 12 })),
      ];
      expect(again.tokenIds).toEqual(first.tokenIds);
      expect(another.tokenIds).not.toEqual(first.tokenIds);
    });

    test("a stop token ends the reply and is part of it; without one the reply ends at max_tokens", async () => {
      const whole = await engine.generate(ask({ temperature: 0, maxTokens: 6 }));
      expect(whole.finishReason).toBe("length");
      expect(whole.tokenIds).toHaveLength(6);
      const stop = whole.tokenIds[3] as number;
      const cut = whole.tokenIds.slice(0, whole.tokenIds.indexOf(stop) + 1);
      const stopped = await engine.generate(ask({ temperature: 0, maxTokens: 6, stopTokenIds: [stop] }));
      expect(stopped).toMatchObject({ tokenIds: cut, finishReason: "stop" });
    });

    test("many requests at once are all answered, exactly", async () => {
      const requests = Array.from({ length: options.concurrency }, (_, i) =>
        ask({ promptIds: prompts[i % prompts.length] as number[], seed: i, maxTokens: 8 + (i % 17) }),
      );
      const began = performance.now();
      const replies = await Promise.all(requests.map((request) => engine.generate(request)));
      const tokens = replies.reduce((sum, reply) => sum + reply.tokenIds.length, 0);
      const seconds = (performance.now() - began) / 1000;
      console.log(`${options.name}: ${Math.round(tokens / seconds)} tokens/s at ${options.concurrency} requests`);
      expect(engine.inFlight()).toBe(0);
      await expectExact(MODEL, requests, replies);
    });

    test("forgetting prefixes changes no number", async () => {
      const before = await engine.generate(ask({ temperature: 0 }));
      await engine.resetPrefixCache();
      const after = await engine.generate(ask({ temperature: 0 }));
      expect(after.tokenIds).toEqual(before.tokenIds);
      expect(largestDifference([after.logprobs], [before.logprobs])).toBeLessThan(TOLERANCE);
    });

    test("a request that cannot be served is refused with a reason, and the engine goes on", async () => {
      const error = { code: "ENGINE_REQUEST", retryable: false, status: 400 };
      await expect(engine.generate(ask({ maxTokens: 100_000 }))).rejects.toMatchObject(error);
      await expect(engine.generate(ask({ temperature: -1 }))).rejects.toMatchObject(error);
      expect((await engine.generate(ask())).tokenIds.length).toBeGreaterThan(0);
    });

    test("weights that are broken never reach it", async () => {
      const broken = await mkdtemp(join(tmpdir(), "astune-weights-"));
      await cp(other, broken, { recursive: true });
      await truncate(join(broken, "model.safetensors"), 1000);
      await expect(engine.setWeights({ dir: broken, version: 1 })).rejects.toMatchObject({ code: "BAD_WEIGHTS" });
      await expect(engine.setWeights({ dir: join(broken, "none"), version: 1 })).rejects.toMatchObject({
        code: "BAD_WEIGHTS",
      });
      await removeFolder(broken);
      expect(await engine.health()).toMatchObject({ healthy: true, weightVersion: 0 });
    });

    test("weights change under running generations, which go on, and then the numbers are the new weights'", async () => {
      // More than run at once, and of different lengths: whenever the weights change, some are in the middle.
      const long = Array.from({ length: 300 }, (_, seed) =>
        ask({
          promptIds: prompts[seed % prompts.length] as number[],
          seed,
          maxTokens: 100 + ((seed * 37) % 200),
          temperature: 1.5,
        }),
      );
      const replying = long.map((request) => engine.generate(request));
      const running = Promise.all(replying);
      await Promise.race(replying);
      const { seconds } = await engine.setWeights({ dir: other, version: 7 });
      console.log(`${options.name}: weights swapped in ${seconds.toFixed(2)} s`);
      const mixed = await running;
      for (const { weightVersions } of mixed) {
        for (const version of weightVersions) expect([0, 7]).toContain(version);
        expect(weightVersions).toEqual(weightVersions.toSorted((a, b) => a - b));
      }
      expect(mixed.some(({ weightVersions }) => new Set(weightVersions).size === 2)).toBe(true);
      // The cut is exact: each token has the log-probability that the weights of its version give it.
      const sampled = mixed.map(({ tokenIds }, i) => {
        const { promptIds, temperature } = long[i] as GenerateRequest;
        return { promptIds, temperature, tokenIds };
      });
      const expected = { 0: await reference.logprobs(MODEL, sampled), 7: await reference.logprobs(other, sampled) };
      const ofTheirVersions = mixed.map(({ weightVersions }, i) =>
        weightVersions.map((version, j) => expected[version as 0 | 7][i]?.[j] ?? Number.NaN),
      );
      const difference = largestDifference(
        mixed.map((reply) => reply.logprobs),
        ofTheirVersions,
      );
      expect(difference).toBeLessThan(TOLERANCE);
      const requests = prompts.map((promptIds, seed) => ask({ promptIds, seed }));
      const replies = await Promise.all(requests.map((request) => engine.generate(request)));
      expect(new Set(replies.flatMap((reply) => reply.weightVersions))).toEqual(new Set([7]));
      await expectExact(other, requests, replies);
    });

    test("it sleeps and wakes with the same weights, or says that it cannot sleep", async () => {
      if (!info.capabilities.includes("sleep")) {
        await expect(engine.sleep(1)).rejects.toMatchObject({ code: "ENGINE_SLEEP" });
      } else {
        await engine.sleep(1);
        expect((await engine.health()).state).toBe("asleep");
        await engine.wake();
      }
      const requests = [ask()];
      await expectExact(other, requests, [await engine.generate(requests[0] as GenerateRequest)]);
    });

    test("killed in the middle of a request, it says so, comes back with its current weights, and leaves nothing behind", async () => {
      const pid = engine.processId() as number;
      const lost = engine.generate(ask({ maxTokens: 400, temperature: 1.5, stopTokenIds: [] }));
      const outcome = expect(lost).rejects.toMatchObject({ code: "ENGINE_DIED", retryable: true });
      await expect.poll(() => engine.inFlight()).toBe(1);
      process.kill(pid, "SIGKILL");
      await outcome;
      await expect.poll(() => events.join("\n"), { timeout: 60_000 }).toContain("starting it again");
      const requests = [ask({ seed: 5 })];
      const reply = await engine.generate(requests[0] as GenerateRequest);
      expect(reply.weightVersions).toEqual(reply.tokenIds.map(() => 7));
      await expectExact(other, requests, [reply]);
      expect(groupMembers(pid)).toEqual([]);
      expect(engine.processId()).not.toBe(pid);
      expect(events.join("\n")).toContain("back, with weights of version 7");
    });

    test("after close nothing of it runs, and requests are refused", async () => {
      const pid = engine.processId() as number;
      await engine.close();
      await engine.close();
      expect(groupMembers(pid)).toEqual([]);
      await expect(engine.generate(ask())).rejects.toMatchObject({ code: "ENGINE_DIED" });
      expect(existsSync(join(logDir, options.engine.kind === "vllm" ? "vllm.log" : "engine.log"))).toBe(true);
    });
  });
}
