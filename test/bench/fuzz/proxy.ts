/** A RolloutActor's proxy with one episode after the other, or the page of a run: prints where it is. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RolloutActor, type Tuner } from "../../../actors/rollout/index.ts";
import { readModelText } from "../../../actors/rollout/model-text.ts";
import type { Task } from "../../../actors/task.ts";
import { startLogview } from "../../../backbones/logview/index.ts";
import { appendEpisodes, beginExperiment, makeEpisode } from "../../browser/logview-fixture.ts";
import { ScriptedEngine } from "../../unit/rollout/scripted-engine.ts";
import { writeTinyModel } from "../../unit/rollout/tiny-model.ts";

const episodeMs = 20_000;
const [what = ""] = process.argv.slice(2);

/** An episode keeps what its agent has said until it ends, so one follows the other. */
async function proxy(): Promise<void> {
  const model = await writeTinyModel();
  const text = await readModelText(model.path);
  const engine = new ScriptedEngine(text.tokenizer, () => "4");
  const actor = new RolloutActor({
    modelPath: model.path,
    workflow: "none->None",
    workflowClass: class {
      async execute(_: Task, tuner: Tuner): Promise<undefined> {
        serving({ url: tuner.baseUrl, key: tuner.apiKey });
        await sleep(episodeMs);
        return undefined;
      }
    },
    searchFolders: [],
    engines: [engine],
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
  for (let count = 0; ; count += 1) {
    engine.requests.length = 0;
    await actor.runEpisode({
      episodeId: `fuzzed-${count}`,
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
      timeoutMs: 2 * episodeMs,
    });
  }
}

function serving(served: { readonly url: string; readonly key: string }): void {
  console.log(`SERVING ${JSON.stringify(served)}`);
}

async function page(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "astune-fuzz-page-"));
  await beginExperiment(folder);
  await appendEpisodes(
    folder,
    Array.from({ length: 8 }, (_, index) => makeEpisode({ step: 1, index })),
  );
  const { url } = await startLogview({ folder, port: 0 });
  serving({ url, key: "" });
}

await (what === "page" ? page() : proxy());
