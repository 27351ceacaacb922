/** What the page promises of a run that is going on, and of a model that writes whatever it likes. */

import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rolloutMetrics } from "../../backbones/experiment/index.ts";
import { type Logview, startLogview } from "../../backbones/logview/index.ts";
import { hasChromium, openChromium, openPage } from "./chromium.ts";
import {
  appendEpisodes,
  appendMetrics,
  beginExperiment,
  episodeFile,
  finishExperiment,
  groupsOf,
  makeEpisode,
} from "./logview-fixture.ts";

describe.skipIf(!hasChromium)("the page of a run that is going on", () => {
  let scratch: string;
  let folder: string;
  let browser: Browser;
  let logview: Logview;

  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), "astune-logview-"));
    folder = join(scratch, "live");
    logview = await startLogview({ folder, port: 0, pollMs: 50 });
  });
  afterEach(async () => {
    await logview.close();
    await rm(scratch, { recursive: true, force: true });
  });

  const step = async (number: number, count = 8) => {
    const episodes = Array.from({ length: count }, (_, index) => makeEpisode({ step: number, index }));
    await appendEpisodes(folder, episodes);
    await appendMetrics(folder, { step: number, ...rolloutMetrics(groupsOf(episodes)) });
  };

  test("waits for a folder that is not there yet, then follows it to its end", async () => {
    const { page, problems } = await openPage(browser, logview.url);
    await page.getByText("The experiment folder is not there yet.").waitFor();
    await beginExperiment(folder);
    await page.locator("#phase", { hasText: "running" }).waitFor();
    await page.getByText("The curves begin with the first step.").waitFor();
    await step(1);
    await page.locator("[data-chart=reward] canvas").waitFor();
    await page.locator("#facts").getByText("8", { exact: true }).waitFor();
    await step(2);
    await page.locator("#facts div", { hasText: /^Step\s*2$/ }).waitFor();
    await finishExperiment(folder);
    await page.locator("#phase", { hasText: "finished" }).waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("new episodes appear in the list, and do not move what the reader looks at", async () => {
    await beginExperiment(folder);
    await step(1, 40);
    const { page } = await openPage(browser, `${logview.url}#/episodes`);
    await page.getByText("40 episodes", { exact: true }).waitFor();
    await page.locator("#list").evaluate((list) => list.scrollTo(0, 540));
    const row = page.locator(".row[data-place='step-000001/25']");
    const before = await row.boundingBox();
    await step(2, 10);
    await page.getByText("50 episodes", { exact: true }).waitFor();
    const scrolled = (): Promise<number> => page.locator("#list").evaluate((list) => list.scrollTop);
    await expect.poll(scrolled, { timeout: 30_000 }).toBe(540 + 10 * 54);
    expect((await row.boundingBox())?.y).toBe(before?.y);
    await page.locator("#list").evaluate((list) => list.scrollTo(0, 0));
    await page.locator(".row[data-place='step-000002/9']").waitFor();
    await page.context().close();
  });

  test("half a line is no episode, and becomes one when it is complete", async () => {
    await beginExperiment(folder);
    await step(1, 3);
    const { page, problems } = await openPage(browser, `${logview.url}#/episodes`);
    await page.getByText("3 episodes", { exact: true }).waitFor();
    const line = `${JSON.stringify(makeEpisode({ step: 1, index: 3 }))}\n`;
    const file = episodeFile(folder, "train", 1);
    await appendFile(file, line.slice(0, 500));
    await appendMetrics(folder, { step: 2, "reward/mean": 0.5 });
    await page.locator("#facts div", { hasText: /^Step\s*2$/ }).waitFor();
    await page.getByText("3 episodes", { exact: true }).waitFor();
    await appendFile(file, line.slice(500));
    await page.getByText("4 episodes", { exact: true }).waitFor();
    await page.locator(".row[data-place='step-000001/3']").click();
    await page.locator("#episode[data-place='step-000001/3'] .turn").first().waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a resumed run that writes a step anew replaces what was shown", async () => {
    await beginExperiment(folder);
    await step(1, 8);
    const { page } = await openPage(browser, `${logview.url}#/episodes`);
    await page.getByText("8 episodes", { exact: true }).waitFor();
    await writeFile(episodeFile(folder, "train", 1), "");
    await page.getByText("0 episodes", { exact: true }).waitFor();
    await step(1, 5);
    await page.getByText("5 episodes", { exact: true }).waitFor();
    await page.context().close();
  });

  test("a server that comes back is followed again", async () => {
    await beginExperiment(folder);
    await step(1);
    const { page } = await openPage(browser, logview.url);
    await page.locator("#facts").getByText("8", { exact: true }).waitFor();
    const port = Number(new URL(logview.url).port);
    await logview.close();
    await page.getByText("The page's server is gone; trying again.").waitFor();
    await step(2);
    logview = await startLogview({ folder, port, pollMs: 50 });
    await page.locator("#facts div", { hasText: /^Step\s*2$/ }).waitFor();
    await page.context().close();
  });

  test("markup and scripts in an episode stay text, in every place that shows them", async () => {
    const evil = `<script>globalThis.harmed = 1</script><img src=x onerror="globalThis.harmed = 2">"'&lt;`;
    const honest = makeEpisode({ step: 1, index: 0, replyText: evil });
    const [turn, ...rest] = honest.turns;
    if (!turn) throw new Error("the episode has no turn");
    const hostile = {
      ...honest,
      taskId: `task-${evil}`,
      turns: [{ ...turn, messages: [{ role: "user" as const, content: evil }] }, ...rest],
      toolRuns: honest.toolRuns.map((run) => ({
        ...run,
        name: evil,
        output: evil,
        arguments: { code: evil, other: evil },
      })),
      judgeInput: { final_answer: evil, [evil]: evil },
      result: { ...honest.result, reason: evil },
      error: evil,
    };
    await beginExperiment(folder);
    await mkdir(dirname(episodeFile(folder, "train", 1)), { recursive: true });
    await writeFile(episodeFile(folder, "train", 1), `${JSON.stringify(hostile)}\n`);
    await appendFile(join(folder, "metrics.jsonl"), `${JSON.stringify({ step: 1, [evil]: 1, "reward/mean": 1 })}\n`);
    const { page, problems } = await openPage(browser, logview.url);
    await page.getByText("All other numbers").click();
    await page.locator(".charts.small h2", { hasText: "<script>" }).waitFor();
    await page.getByRole("link", { name: "Episodes" }).click();
    await page.locator(".row[data-place='step-000001/0']").click();
    const pane = page.locator("#episode[data-place='step-000001/0']");
    await pane.locator(".turn").first().waitFor();
    expect((await pane.locator(".tokens").first().textContent())?.startsWith(evil)).toBe(true);
    for (const place of [".pairs", "pre.code", "pre.output", "pre.text", ".problem", "h2"])
      expect(await pane.locator(place).first().textContent()).toContain(evil);
    await page.getByRole("button", { name: "Training tokens" }).click();
    await pane.locator(".tok.trained").first().hover();
    expect(await page.locator("main img, main script, .hover img, .hover script").count()).toBe(0);
    expect(await page.evaluate(() => Reflect.get(globalThis, "harmed"))).toBeUndefined();
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
