import { expect, test } from "vitest";
import { asked, codeCall, react, runOnce, start } from "./episode-harness.ts";

test("what a workflow returns is registered: its metadata, and its reward with success at 1", async () => {
  const episode = await runOnce(
    async () => ({ reward: 1, metadata: { final_answer: "4" } }),
    () => "ok",
  );
  expect(episode.judgeInput).toEqual({ final_answer: "4", raw_reward: 1, is_success: true });
});

test("the judge's words of an environment, and its messages, reach workflow and episode, and it is closed", async () => {
  let closed = 0;
  const episode = await runOnce(
    async (given, tuner) => {
      expect(given.initMessages).toEqual([{ role: "user", content: "from the world" }]);
      expect((await tuner.env?.step({ role: "assistant", content: "go" }))?.observation).toBe("moved");
    },
    () => "ok",
    {
      openEnvironment: async () => ({
        env: { step: async () => ({ observation: "moved", reward: 0, isTerminated: false, info: {} }) },
        initMessages: [{ role: "user", content: "from the world" }],
        judgeInput: { instance_id: "i1" },
        close: async () => {
          closed += 1;
        },
      }),
    },
  );
  expect(episode).toMatchObject({ status: "finished", judgeInput: { instance_id: "i1" } });
  expect(closed).toBe(1);
});

test("closing the actor ends its episodes", async () => {
  let begun: () => void = () => {};
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const actor = await start(
    async () => {
      begun();
      await new Promise(() => {});
    },
    () => "ok",
  );
  const episode = actor.runEpisode(asked());
  await running;
  await actor.close();
  expect(await episode).toMatchObject({ status: "failed", error: "the run ends" });
  await actor.close();
});

test("a hundred episodes at once stay apart", async () => {
  const actor = await start(react, (request, _) =>
    request.requestId.endsWith("/1") ? "done" : codeCall(`print("${request.requestId}")`),
  );
  const ids = Array.from({ length: 100 }, (_, index) => `many-${index}`);
  const episodes = await Promise.all(ids.map((episodeId) => actor.runEpisode(asked({ episodeId, timeoutMs: 60_000 }))));
  for (const [index, episode] of episodes.entries()) {
    expect(episode.error).toBeUndefined();
    expect(episode.toolRuns[0]?.arguments["code"]).toBe(`print("${ids[index]}/0")`);
    expect(episode.sequences).toHaveLength(1);
  }
});
