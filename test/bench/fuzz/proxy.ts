/** A RolloutActor's proxy with an episode that does not end, and the page of a run: prints where they are. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RolloutActor, type Tuner } from "../../../actors/rollout/index.ts";
import { readModelText } from "../../../actors/rollout/model-text.ts";
import type { Task } from "../../../actors/task.ts";
import { startLogview } from "../../../backbones/logview/index.ts";
import { appendEpisodes, beginExperiment, makeEpisode } from "../../browser/logview-fixture.ts";
import { ScriptedEngine } from "../../unit/rollout/scripted-engine.ts";
import { writeTinyModel } from "../../unit/rollout/tiny-model.ts";

const [what = ""] = process.argv.slice(2);

async function proxy(): Promise<string> {
  const model = await writeTinyModel();
  const text = await readModelText(model.path);
  let here: (said: string) => void = () => {};
  const said = new Promise<string>((resolve) => {
    here = resolve;
  });
  const actor = new RolloutActor({
    modelPath: model.path,
    workflow: "none->None",
    workflowClass: class {
      async execute(_: Task, tuner: Tuner): Promise<undefined> {
        here(JSON.stringify({ url: tuner.baseUrl, key: tuner.apiKey }));
        return new Promise(() => {});
      }
    },
    searchFolders: [],
    engines: [new ScriptedEngine(text.tokenizer, () => "4")],
    maxModelLen: 4096,
    maxResponseTokens: 64,
    sandbox: {},
    openSandbox: async () => ({
      run: async () => ({ text: "", returnCode: 0, stdout: "", stderr: "", printed: false, timedOut: false }),
      close: async () => {},
    }),
    log: () => {},
  });
  await actor.start();
  void actor.runEpisode({
    episodeId: "fuzzed",
    task: {
      taskId: "t1",
      mainQuery: "What is 2 plus 2?",
      initMessages: [{ role: "user", content: "What is 2 plus 2?" }],
      envType: "no_env",
      metadata: {},
    },
    split: "train",
    step: 1,
    repeat: 0,
    sampling: { temperature: 1, topP: 1, topK: -1 },
    timeoutMs: 1e8,
  });
  return said;
}

async function page(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "astune-fuzz-page-"));
  await beginExperiment(folder);
  await appendEpisodes(
    folder,
    Array.from({ length: 8 }, (_, index) => makeEpisode({ step: 1, index })),
  );
  const { url } = await startLogview({ folder, port: 0 });
  return JSON.stringify({ url, key: "" });
}

console.log(`SERVING ${await (what === "page" ? page() : proxy())}`);
setInterval(() => {}, 1000);
