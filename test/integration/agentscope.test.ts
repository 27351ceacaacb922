import { copyFile, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { JudgeActor, JudgeError } from "../../actors/judge/index.ts";
import { RolloutActor, type RolloutOptions } from "../../actors/rollout/index.ts";
import { type ModelText, readModelText } from "../../actors/rollout/model-text.ts";
import { UserError } from "../../configs/index.ts";
import { init, shutdown } from "../../runtime/index.ts";
import { Cluster } from "../fixtures/cluster.ts";
import { hasAgentScope, pythonFixtures } from "../fixtures/python-hosts.ts";
import { asked, codeCall, task } from "../unit/rollout/episode-harness.ts";
import { type Script, ScriptedEngine } from "../unit/rollout/scripted-engine.ts";
import { writeTinyModel } from "../unit/rollout/tiny-model.ts";
import { attempts } from "../unit/sandbox/escapes.ts";

const seed = resolve(import.meta.dirname, "..", "..", "tutorial", "example_math_agent", "agentscope_math_agent.py");
const agents = join(pythonFixtures, "agents");
const answerCall = `<tool_call>\n${JSON.stringify({ name: "generate_response", arguments: { result: "\\boxed{42}" } })}\n</tool_call>`;
const clean = [codeCall("print(12 + 30)"), answerCall, "The answer is 42."];

let model: Awaited<ReturnType<typeof writeTinyModel>>;
let text: ModelText;
const open: (RolloutActor | JudgeActor)[] = [];

beforeAll(async () => {
  model = await writeTinyModel();
  text = await readModelText(model.path);
});
afterAll(() => model?.remove());
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function rollout(
  workflow: string,
  script: Script,
  more: Partial<RolloutOptions> = {},
): Promise<{ readonly actor: RolloutActor; readonly engine: ScriptedEngine }> {
  const engine = new ScriptedEngine(text.tokenizer, script);
  const actor = new RolloutActor({
    modelPath: model.path,
    workflow,
    searchFolders: [agents],
    engines: [engine],
    maxModelLen: 16_384,
    maxResponseTokens: 1024,
    sandbox: {},
    log: () => {},
    ...more,
  });
  open.push(actor);
  await actor.start();
  return { actor, engine };
}

const long = { timeoutMs: 120_000 };

describe.skipIf(!hasAgentScope)("a Python workflow on the local runtime", () => {
  beforeAll(() => init({ local: true }));
  afterAll(() => shutdown());

  test("the seed's listing, typed into a file, runs unchanged", async () => {
    const folder = await mkdtemp(join(tmpdir(), "astune-seed-"));
    await mkdir(join(folder, "tutorial"));
    await copyFile(seed, join(folder, "tutorial", "math_agent.py"));
    try {
      const { actor, engine } = await rollout("tutorial.math_agent->ExampleMathLearn", (_, i) => clean[i] ?? "", {
        searchFolders: [folder],
      });
      const episode = await actor.runEpisode(asked(long));
      expect(episode.error).toBeUndefined();
      expect(episode.status).toBe("finished");
      expect(episode.judgeInput).toEqual({ final_answer: "\\boxed{42}" });
      expect(episode.toolRuns).toMatchObject([
        {
          arguments: { code: "print(12 + 30)" },
          output: "<returncode>0</returncode><stdout>42\n</stdout><stderr></stderr>",
        },
      ]);
      expect(engine.requests).toHaveLength(3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("records the tokens that the engine sampled, the same as the TypeScript agent for the same replies", async () => {
    const name = "tutorial.example_math_agent.agentscope_math_agent->ExampleMathLearn";
    const python = await rollout(name, (_, i) => clean[i] ?? "");
    const typescript = await rollout(
      "tutorial.example_math_agent.math_agent->ExampleMathLearn",
      (_, i) => clean[i] ?? "",
    );
    const ours = await python.actor.runEpisode(asked(long));
    const theirs = await typescript.actor.runEpisode(asked(long));
    // AgentScope asks once more after the final answer; up to there both agents are answered alike.
    expect(ours.turns).toHaveLength(3);
    expect(theirs.turns).toHaveLength(2);
    for (const [index, turn] of theirs.turns.entries()) {
      expect(ours.turns[index]?.sampledIds).toEqual(turn.sampledIds);
      expect(ours.turns[index]?.logprobs).toEqual(turn.logprobs);
      expect(ours.turns[index]?.reply).toEqual(turn.reply);
    }
    // Every prompt extends the one before, so the episode is one row; its trained tokens are those sampled, in order.
    const [row, ...others] = ours.sequences;
    expect(others).toEqual([]);
    const trained = row?.tokenIds.filter((_, index) => row.lossMask[index] === 1);
    expect(trained).toEqual(ours.turns.flatMap(({ sampledIds }) => sampledIds));
    for (const [index, { promptIds }] of ours.turns.entries()) {
      expect(promptIds).toEqual(python.engine.requests[index]?.promptIds);
      expect(row?.tokenIds.slice(0, promptIds.length)).toEqual(promptIds);
    }
  });

  test("runs many episodes at once in one warm process", async () => {
    const name = "tutorial.example_math_agent.agentscope_math_agent->ExampleMathLearn";
    const turns = new Map<string, number>();
    const { actor } = await rollout(name, ({ requestId }) => {
      const [episode = "", step = "0"] = requestId.split("/");
      turns.set(episode, Number(step) + 1);
      const result = `<tool_call>\n${JSON.stringify({ name: "generate_response", arguments: { result: episode } })}\n</tool_call>`;
      return [codeCall(`print("${episode}")`), result, "Done."][Number(step)] ?? "";
    });
    const episodes = await Promise.all(
      Array.from({ length: 8 }, (_, index) => actor.runEpisode(asked({ ...long, episodeId: `e${index}` }))),
    );
    for (const [index, episode] of episodes.entries()) {
      expect(episode.judgeInput).toEqual({ final_answer: `e${index}` });
      expect(episode.toolRuns.map(({ output }) => output)).toEqual([
        `<returncode>0</returncode><stdout>e${index}\n</stdout><stderr></stderr>`,
      ]);
    }
  });

  test("the later forms: a client of its own, a reward of its own, a synchronous class, the configuration", async () => {
    const run = async (name: string, metadata: object = {}, more: Partial<RolloutOptions> = {}) => {
      const { actor } = await rollout(`later_forms->${name}`, () => "fine", more);
      return actor.runEpisode(asked({ ...long, task: { ...task, metadata: { ...metadata } } }));
    };
    const client = await run("ByClient");
    expect([client.status, client.turns.length]).toEqual(["finished", 1]);
    expect(client.judgeInput).toEqual({
      final_answer: "fine",
      ran: "<returncode>0</returncode><stdout>42\n</stdout><stderr></stderr>",
    });
    expect((await run("ByReward")).judgeInput).toEqual({ final_answer: "fine", raw_reward: 0.5, is_success: true });
    const own = { final_answer: "7", raw_reward: 1, is_success: true };
    expect((await run("Synchronous", { answer: "7" })).judgeInput).toEqual(own);
    const config = { astune: { project_name: "mine" } };
    expect((await run("Configured", {}, { config })).judgeInput).toEqual({ final_answer: "mine" });
  });

  test("what goes wrong is the episode's error, with the line it happened on", async () => {
    const run = async (name: string, timeoutMs = 120_000) => {
      const { actor } = await rollout(`later_forms->${name}`, () => "fine");
      return actor.runEpisode(asked({ timeoutMs }));
    };
    const raised = await run("Raises");
    expect(raised.status).toBe("failed");
    expect(raised.error).toMatch(/LookupError: no such thing \(.*later_forms\.py:\d+ in execute\)/);
    expect((await run("TellsTooMuch")).error).toMatch(/judge's input\.final_answer is a object/);
    expect(await run("Hangs", 300)).toMatchObject({
      status: "failed",
      error: "the workflow did not return within 0.3 s",
    });
    await expect(rollout("later_forms->Missing", () => "")).rejects.toThrow(
      /later_forms has no class or function Missing/,
    );
    const neither = await rollout("judges->ByOutput", () => "").catch((error: unknown) => error);
    expect(neither).toBeInstanceOf(UserError);
    expect((neither as Error).message).toMatch(/judges->ByOutput: expected .*neither execute nor agentscope_execute/);
  });

  test("Python judges score episodes, in both of their forms", async () => {
    const { actor } = await rollout("later_forms->ByClient", () => "7");
    const given = { ...task, metadata: { answer: "7" } };
    const episode = await actor.runEpisode(asked({ ...long, task: given }));
    const judge = async (name: string, other = given) => {
      const judging = new JudgeActor({
        protocol: `judges->${name}`,
        searchFolders: [agents],
        options: { right_reward: 2 },
      });
      open.push(judging);
      await judging.start();
      return judging.judge({ task: other, episode });
    };
    expect(await judge("ByDictionary")).toEqual({ rawReward: 2, isSuccess: true });
    const wrong = { ...task, metadata: { answer: "8" } };
    expect(await judge("ByDictionary", wrong)).toEqual({ rawReward: 0.1, isSuccess: false });
    expect(await judge("ByOutput")).toEqual({ rawReward: 1, isSuccess: true, reason: "compared" });
    const failed = await judge("Raises").catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(JudgeError);
    expect((failed as Error).message).toContain("out of order");
  });

  describe("the model's code", () => {
    let server: Server;
    beforeEach(async () => {
      server = createServer((socket) => socket.end("reached"));
      await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    });
    afterEach(() => new Promise((closed) => server.close(closed)));

    test("stays in the sandbox, whichever of AgentScope's tools runs it", async () => {
      const { port } = server.address() as AddressInfo;
      const { actor } = await rollout("runs_code->RunsCode", () => "fine");
      const run = async (code: string, shell = "true", episodeId = "e") => {
        const given = { ...task, metadata: { code, shell } };
        const episode = await actor.runEpisode(asked({ ...long, task: given, episodeId }));
        expect(episode.error).toBeUndefined();
        return episode.judgeInput["said"] as Record<string, string>;
      };
      for (const [index, { title, code, says, kinds }] of attempts.entries()) {
        if (kinds && !kinds.includes("bubblewrap")) continue;
        const hostile = code.replaceAll("PORT", String(port)).replaceAll("SECRET", seed);
        const said = await run(hostile, "true", `e${index}`);
        for (const tool of ["python", "module"]) {
          expect(said[tool], `${title} by ${tool}`).toContain(`<stdout>${says}</stdout>`);
        }
      }
      const around = await run(
        "import os; print(sorted(n for n in os.environ if 'ASTUNE' in n or 'KEY' in n or 'TOKEN' in n))",
        `cat ${seed} /etc/shadow; echo $ASTUNE_HOST_ID-; ls /proc | grep -c '^[0-9]'`,
        "around",
      );
      expect(around["python"]).toContain("<stdout>[]\n</stdout>");
      expect(around["shell"]).not.toContain("ReActAgent");
      expect(around["shell"]).not.toContain("root:");
      expect(around["view"]).toContain("not available");
      expect(around["write"]).toContain("not available");
      await expect(stat("/tmp/astune-must-not-be")).rejects.toThrow("ENOENT");
    });

    test("is told of its exit status, errors and time as AgentScope would", async () => {
      const { actor } = await rollout("runs_code->RunsCode", () => "fine", { sandbox: { timeMs: 500 } });
      const run = async (code: string, episodeId: string) => {
        const given = { ...task, metadata: { code, shell: "echo out; echo err >&2; exit 3" } };
        const episode = await actor.runEpisode(asked({ ...long, task: given, episodeId }));
        return episode.judgeInput["said"] as Record<string, string>;
      };
      expect((await run("import sys; sys.exit(2)", "a"))["python"]).toMatch(/^<returncode>2<\/returncode>/);
      const raised = (await run("1 / 0", "b"))["python"];
      expect(raised).toMatch(/^<returncode>1<\/returncode><stdout><\/stdout><stderr>Traceback.*ZeroDivisionError/s);
      expect((await run("while True: pass", "c"))["python"]).toMatch(/^<returncode>-1<\/returncode>.*TimeoutError/s);
    });
  });
});

test.skipIf(!hasAgentScope)("a Python workflow runs its episodes on a cluster, too", async () => {
  const cluster = await Cluster.start({ cpus: 4, warmHosts: 1 });
  try {
    await cluster.connect();
    const name = "tutorial.example_math_agent.agentscope_math_agent->ExampleMathLearn";
    const { actor } = await rollout(name, (_, i) => clean[i] ?? "");
    expect(await actor.runEpisode(asked(long))).toMatchObject({
      status: "finished",
      judgeInput: { final_answer: "\\boxed{42}" },
    });
    await open.pop()?.close();
  } finally {
    await cluster.close();
  }
});
