import { describe, expect, test } from "vitest";
import { completionBody, readCompletion, readStream } from "../../../actors/inference/completion.ts";
import { request } from "./scripted-engine.ts";

const reply = (choice: object): object => ({
  choices: [{ token_ids: [5, 6, 7], finish_reason: "stop", logprobs: { token_logprobs: [-1, -2, -3] }, ...choice }],
});

describe("a completion", () => {
  test("asks for ids and log-probabilities, and for versions only where the server knows them", () => {
    const body = completionBody(request({ seed: 3 }), "model", "request");
    expect(body).toMatchObject({
      prompt: [1, 2, 3],
      max_tokens: 4,
      top_k: -1,
      logprobs: 0,
      return_token_ids: true,
      seed: 3,
    });
    expect(body).not.toHaveProperty("return_weight_versions");
    expect(body).toMatchObject({ stream: false });
    expect(completionBody(request(), "model", "stream")).toMatchObject({ stream: true });
    expect(completionBody(request(), "model", "server")).toMatchObject({ return_weight_versions: true });
    expect(completionBody(request(), "model", "server")).not.toHaveProperty("seed");
  });

  test("tokens of a server that tells no versions carry the version of the request's beginning", () => {
    expect(readCompletion(reply({}), 4).weightVersions).toEqual([4, 4, 4]);
  });

  test("tokens carry the versions that the server tells", () => {
    const spans = [
      { version: "4", start: 0, end: 1 },
      { version: "5", start: 1, end: 3 },
    ];
    expect(readCompletion(reply({ weight_versions: spans }), 4).weightVersions).toEqual([4, 5, 5]);
  });

  test("tokens of a reply that is followed carry the version that holds when they arrive", async () => {
    let version = 4;
    async function* events() {
      yield { choices: [{ token_ids: [5], logprobs: { token_logprobs: [-1] }, finish_reason: null }] };
      yield { choices: [{ token_ids: null, finish_reason: null }] };
      version = 5;
      yield { choices: [{ token_ids: [6, 7], logprobs: { token_logprobs: [-2, -3] }, finish_reason: "stop" }] };
    }
    expect(await readStream(events(), () => version)).toEqual({
      tokenIds: [5, 6, 7],
      logprobs: [-1, -2, -3],
      weightVersions: [4, 5, 5],
      finishReason: "stop",
    });
  });

  test("a failure in the middle of a stream is an error with the server's words", async () => {
    async function* events() {
      yield { choices: [{ token_ids: [5], logprobs: { token_logprobs: [-1] } }] };
      yield { error: { message: "out of memory" } };
    }
    await expect(readStream(events(), () => 0)).rejects.toThrow("out of memory");
  });

  test.each([
    ["without token ids", { token_ids: null }],
    ["without log-probabilities", { logprobs: null }],
    ["with fewer log-probabilities than tokens", { logprobs: { token_logprobs: [-1] } }],
    ["with a log-probability that is no number", { logprobs: { token_logprobs: [-1, null, -3] } }],
    ["that ended with an error", { finish_reason: "error" }],
  ])("a reply %s is a retryable error, not data to train on", (_, choice) => {
    expect(() => readCompletion(reply(choice), 0)).toThrow(
      expect.objectContaining({ code: "ENGINE_REQUEST", retryable: true }),
    );
  });
});
