import { describe, expect, test } from "vitest";
import { readCapabilities } from "../../../actors/inference/capabilities.ts";
import { swapSteps } from "../../../actors/inference/weight-swap.ts";

const post = (...query: string[]): object => ({ post: { parameters: query.map((name) => ({ name, in: "query" })) } });
const fields = (...names: string[]): object => ({
  schemas: { CompletionRequest: { properties: Object.fromEntries(names.map((name) => [name, {}])) } },
});

// What /openapi.json of these versions holds, as far as it matters here.
const v11 = {
  paths: {
    "/sleep": post(),
    "/wake_up": post(),
    "/is_sleeping": { get: {} },
    "/collective_rpc": post(),
    "/reset_prefix_cache": post(),
  },
  components: fields("return_token_ids"),
};
const v26 = {
  paths: {
    ...v11.paths,
    "/pause": post("mode", "wait_for_inflight_requests", "clear_cache"),
    "/resume": post(),
    "/reset_prefix_cache": post("reset_running_requests", "reset_external"),
  },
  components: fields("return_token_ids"),
};
const v33 = {
  paths: { ...v26.paths, "/update_weight_version": post() },
  components: fields("return_token_ids", "return_weight_versions"),
};
const weights = { dir: "/w", version: 7 };
const paths = (description: object): string[] =>
  swapSteps(readCapabilities(description), weights, 1000).map((s) => s.path);

describe("capabilities", () => {
  test("an engine that describes nothing can do nothing", () => {
    for (const nothing of [undefined, null, {}, { paths: {} }]) expect(readCapabilities(nothing).size).toBe(0);
  });

  test("versions are told apart by what they describe", () => {
    expect(readCapabilities(v11).has("pause")).toBe(false);
    expect(readCapabilities(v26).has("pause_keep")).toBe(true);
    expect(readCapabilities(v26).has("return_weight_versions")).toBe(false);
    expect(readCapabilities(v33).has("return_weight_versions")).toBe(true);
  });
});

describe("the steps of a weight swap", () => {
  test("a new server is paused, reloaded, cleared, told the version, and resumed", () => {
    expect(paths(v33)).toEqual([
      "/pause?mode=keep",
      "/collective_rpc",
      "/reset_prefix_cache?reset_running_requests=true",
      "/update_weight_version",
      "/resume",
    ]);
  });

  test("a server without versions is not told one", () => {
    expect(paths(v26)).not.toContain("/update_weight_version");
  });

  test("a server that cannot pause is reloaded all the same", () => {
    expect(paths(v11)).toEqual(["/collective_rpc", "/reset_prefix_cache"]);
  });

  test("a server with pause but without modes waits for what runs", () => {
    const v14 = { ...v26, paths: { ...v26.paths, "/pause": post("wait_for_inflight_requests") } };
    expect(paths(v14)[0]).toBe("/pause?wait_for_inflight_requests=true");
  });

  test("without collective_rpc there is no swap", () => {
    expect(paths({ paths: { "/pause": post("mode"), "/resume": post() } })).toEqual([]);
  });
});
