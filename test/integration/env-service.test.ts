/** The environment service's protocol against a real HTTP server that keeps instances. */

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvServiceJudge } from "../../actors/judge/index.ts";
import { EnvServiceClient, EnvServiceError, openTasks, serviceEnvironments } from "../../actors/tasks/index.ts";
import { UserError } from "../../configs/index.ts";

interface Call {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** A guessing game: an instance holds a number, a step guesses, evaluate says whether it was found. */
class GuessingService {
  readonly calls: Call[] = [];
  /** Replies to give before the real ones. */
  readonly failures: { readonly status: number; readonly text: string }[] = [];
  readonly #found = new Map<string, boolean>();

  answer({ path, body }: Call): unknown {
    const id = String(body["instance_id"]);
    const state = (content: string) => ({
      state: [{ role: "user", content }],
      reward: this.#found.get(id) ? 1 : 0,
      is_terminated: this.#found.get(id) === true,
      info: { instance_id: id, task_id: body["task_id"] },
    });
    switch (path) {
      case "/get_env_profile":
        return { success: true, data: (body["params"] as { split: string }).split === "train" ? ["g1", "g2"] : [] };
      case "/create":
        this.#found.set(id, false);
        return { success: true, data: state("Guess a number.") };
      case "/step":
        if ((body["messages"] as { content: string }).content === "7") this.#found.set(id, true);
        return { success: true, data: state(this.#found.get(id) ? "Found." : "No.") };
      case "/evaluate":
        return { success: true, data: this.#found.get(id) ? 1 : 0.25 };
      case "/release":
        return { success: this.#found.delete(id) };
      default:
        return { success: false };
    }
  }
}

let service: GuessingService;
let server: Server;
let envUrl: string;

beforeEach(async () => {
  service = new GuessingService();
  server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const call = { path: request.url ?? "", body: JSON.parse(text) as Record<string, unknown> };
      service.calls.push(call);
      const failure = service.failures.shift();
      response.writeHead(failure?.status ?? 200, { "content-type": "application/json" });
      response.end(failure?.text ?? JSON.stringify(service.answer(call)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  envUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const client = (options = {}) => new EnvServiceClient({ envUrl, envType: "guess", retryWaitMs: 1, ...options });

test("the tasks of a split are the service's ids", async () => {
  const reader = { type: "env_service", env_service: { env_type: "guess", env_url: envUrl, training_split: "train" } };
  const tasks = await openTasks(reader, "training");
  expect(tasks.length).toBe(2);
  expect(await tasks.at(1)).toMatchObject({ taskId: "g2", envType: "guess" });
  expect(service.calls[0]).toMatchObject({
    path: "/get_env_profile",
    body: { env_type: "guess", params: { split: "train" } },
  });
  await expect(openTasks(reader, "validation")).rejects.toThrow(UserError);
});

test("an instance is made, stepped, evaluated and released", async () => {
  const env = client();
  const made = await env.create("g1", "episode-1", { seed: 3 });
  expect(made).toMatchObject({
    instanceId: "episode-1",
    isTerminated: false,
    messages: [{ role: "user", content: "Guess a number." }],
  });
  expect((await env.step("episode-1", { role: "assistant", content: "6" })).reward).toBe(0);
  expect(await env.evaluate("episode-1")).toBe(0.25);
  expect(await env.step("episode-1", { role: "assistant", content: "7" })).toMatchObject({
    reward: 1,
    isTerminated: true,
  });
  expect(await env.release("episode-1")).toBe(true);
  expect(await env.release("episode-1")).toBe(false);
  expect(service.calls[0]?.body).toEqual({
    env_type: "guess",
    task_id: "g1",
    instance_id: "episode-1",
    messages: {},
    params: { seed: 3 },
  });
});

test("the environment's judge takes its reward", async () => {
  const env = client();
  await env.create("g1", "e");
  const workflow_task = { taskId: "g1", mainQuery: "", initMessages: [], envType: "guess", metadata: {} };
  const input = { env: { evaluate: () => env.evaluate("e") }, workflow_task, grouped_steps: [], turns: [] };
  expect(await new EnvServiceJudge().computeReward(input)).toMatchObject({ rawReward: 0.25, isSuccess: false });
  await env.step("e", { role: "assistant", content: "7" });
  expect(await new EnvServiceJudge().computeReward(input)).toMatchObject({ rawReward: 1, isSuccess: true });
  await expect(new EnvServiceJudge().computeReward({ workflow_task, grouped_steps: [], turns: [] })).rejects.toThrow(
    /env_service/,
  );
});

test("an episode's instance starts with the task's words, is asked for its reward at the end, and is released", async () => {
  const open = serviceEnvironments({ envUrl, envType: "guess" });
  const task = { taskId: "g1", mainQuery: "", initMessages: [], envType: "guess", metadata: {} };
  const instance = await open(task, new AbortController().signal);
  expect(instance).toMatchObject({ mainQuery: "Guess a number.", judgeInput: { env_outcome: {} } });
  const seen = await instance.env.step({ role: "assistant", content: "7" });
  expect(seen).toMatchObject({ observation: "Found.", reward: 1, isTerminated: true });
  await instance.close();
  expect(instance.judgeInput.env_outcome).toEqual({ reward: 1, sparseReward: 1 });
  expect(service.calls.map((call) => call.path)).toEqual(["/create", "/step", "/evaluate", "/evaluate", "/release"]);
  expect(new Set(service.calls.map((call) => call.body["instance_id"])).size).toBe(1);
});

test("a service that is busy is asked again; a refusal and a step are not repeated", async () => {
  service.failures.push({ status: 503, text: "busy" }, { status: 500, text: "oops" });
  await client().create("g1", "a");
  expect(service.calls).toHaveLength(3);
  service.failures.push({ status: 400, text: "bad id" });
  await expect(client().evaluate("a")).rejects.toThrow(/HTTP 400: bad id/);
  expect(service.calls).toHaveLength(4);
  service.failures.push({ status: 503, text: "busy" });
  await expect(client().step("a", { role: "assistant", content: "1" })).rejects.toThrow(EnvServiceError);
  expect(service.calls).toHaveLength(5);
});

test("words that are not the protocol's are an error with their text", async () => {
  service.failures.push({ status: 200, text: "<html>" });
  await expect(client().create("g1", "a")).rejects.toThrow(/no JSON: <html>/);
  service.failures.push({ status: 200, text: `{"data":"high"}` });
  await expect(client().evaluate("a")).rejects.toThrow(/"high" instead of a number/);
});

test("a service that does not answer is given up after the time", async () => {
  server.removeAllListeners("request");
  await expect(client({ timeoutMs: 100, retries: 1 }).create("g1", "a")).rejects.toThrow(EnvServiceError);
});

test("no service at all is the user's error", async () => {
  const reader = { type: "env_service", env_service: { env_type: "guess", env_url: "http://127.0.0.1:1" } };
  await expect(openTasks(reader, "training")).rejects.toThrow(
    /http:\/\/127\.0\.0\.1:1: expected an environment service/,
  );
});
