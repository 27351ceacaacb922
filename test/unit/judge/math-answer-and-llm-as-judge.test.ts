/** The judge that asks another model, against a real HTTP endpoint. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type JudgeInput, MathAnswerAndLlmAsJudge } from "../../../actors/judge/index.ts";

interface Asked {
  readonly body: { readonly model: string; readonly temperature: number; readonly messages: { content: string }[] };
  readonly authorization: string | undefined;
}

const key = "sk-very-secret-0123456789";
let server: Server;
let asked: Asked[];
let answers: (() => { status: number; content: string })[];

beforeEach(async () => {
  asked = [];
  answers = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      asked.push({ body: JSON.parse(text), authorization: request.headers.authorization });
      const { status, content } = answers.shift()?.() ?? { status: 500, content: "none left" };
      response.writeHead(status, { "content-type": "application/json" });
      const message = { role: "assistant", content };
      response.end(
        status === 200
          ? JSON.stringify({ choices: [{ index: 0, message }] })
          : JSON.stringify({ error: { message: content } }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("DASHSCOPE_API_KEY", key);
  vi.stubEnv("OPENAI_API_KEY", "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
});

const says =
  (content: string, status = 200) =>
  () => ({ status, content });

function judge(options: Record<string, unknown> = {}): MathAnswerAndLlmAsJudge {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return new MathAnswerAndLlmAsJudge({
    alien_llm_model: "judge-model",
    alien_llm_base_url: url,
    retry_wait_seconds: 0.01,
    ...options,
  });
}

function input(finalAnswer: unknown): JudgeInput {
  const workflow_task = {
    taskId: "t",
    mainQuery: "How far is it?",
    initMessages: [],
    envType: "no_env",
    metadata: { answer: "2 hours at 60\n#### 120" },
  };
  return { workflow_task, grouped_steps: [], turns: [], final_answer: finalAnswer };
}

test("an answer that is equal is not asked about", async () => {
  expect(await judge().computeReward(input("\\boxed{120 km}"))).toMatchObject({ rawReward: 1, isSuccess: true });
  expect(asked).toHaveLength(0);
});

test("no answer is not asked about either", async () => {
  expect(await judge().computeReward(input(undefined))).toMatchObject({ rawReward: 0, isSuccess: false });
  expect(asked).toHaveLength(0);
});

test("any other answer is asked about, at temperature 0, with problem, answer and reference", async () => {
  answers = [says("Thinking… <Correct>"), says("<NotCorrect>")];
  expect(await judge().computeReward(input("\\boxed{0.12 Mm}"))).toMatchObject({ rawReward: 1, isSuccess: true });
  expect(await judge().computeReward(input("\\boxed{12}"))).toMatchObject({ rawReward: 0, isSuccess: false });
  const [first] = asked;
  expect(first?.body).toMatchObject({ model: "judge-model", temperature: 0 });
  const text = first?.body.messages.map((message) => message.content).join("\n");
  for (const part of ["How far is it?", "0.12 Mm", "2 hours at 60"]) expect(text).toContain(part);
  expect(first?.authorization).toBe(`Bearer ${key}`);
});

test("failures and unclear words are asked about again", async () => {
  answers = [says("busy", 503), says("slow down", 429), says("maybe"), says("<Correct>")];
  expect(await judge().computeReward(input("about two hours away"))).toMatchObject({ isSuccess: true });
  expect(asked).toHaveLength(4);
});

test("a refused request is not repeated, and the key is in no error", async () => {
  answers = [says(`Incorrect API key provided: ${key}`, 401)];
  const error = (await judge()
    .computeReward(input("x"))
    .catch((reason: unknown) => reason)) as Error;
  expect(asked).toHaveLength(1);
  expect(error.message).toContain("401");
  const everything = [error.message, error.stack, JSON.stringify(error, Object.getOwnPropertyNames(error))].join("\n");
  expect(everything).not.toContain(key);
  expect(error.cause).toBeUndefined();
});

test("it gives up after its repeats", async () => {
  answers = [says("busy", 503), says("busy", 503), says("busy", 503)];
  await expect(judge({ retries: 2 }).computeReward(input("x"))).rejects.toThrow(/503/);
  expect(asked).toHaveLength(3);
});

test("without a key it names the variables and asks nobody", async () => {
  vi.stubEnv("DASHSCOPE_API_KEY", "");
  const error = (await judge({ alien_llm_api_key_env: "MY_KEY" })
    .computeReward(input("x"))
    .catch((r: unknown) => r)) as Error;
  expect(error.message).toContain("MY_KEY");
  expect(asked).toHaveLength(0);
});

test("the key may stand in a variable of the user's choice, or in OPENAI_API_KEY", async () => {
  vi.stubEnv("MY_KEY", "mine");
  answers = [says("<Correct>"), says("<Correct>")];
  await judge({ alien_llm_api_key_env: "MY_KEY" }).computeReward(input("x"));
  vi.stubEnv("DASHSCOPE_API_KEY", "");
  vi.stubEnv("OPENAI_API_KEY", "theirs");
  await judge().computeReward(input("x"));
  expect(asked.map((each) => each.authorization)).toEqual(["Bearer mine", "Bearer theirs"]);
});
