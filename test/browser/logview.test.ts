/** What the page promises, seen in a real browser over real folders. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Logview, startLogview } from "../../backbones/logview/index.ts";
import { hasChromium, openChromium, openPage } from "./chromium.ts";
import { finishExperiment, makeEpisode, writeExperiment } from "./logview-fixture.ts";

const seenByTask = (page: Page) => page.locator(".row[data-place]:not([data-place=''])");

describe.skipIf(!hasChromium)("the page of a run with 1,200 episodes", () => {
  let scratch: string;
  let browser: Browser;
  let logview: Logview;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), "astune-logview-"));
    const folder = join(scratch, "sums");
    expect(await writeExperiment(folder)).toBe(1_200);
    await finishExperiment(folder);
    logview = await startLogview({ folder, port: 0 });
    browser = await openChromium();
  });

  afterAll(async () => {
    await browser?.close();
    await logview?.close();
    await rm(scratch, { recursive: true, force: true });
  });

  test("loads without an error, without another host, and tells the run's name, state and key numbers", async () => {
    const { page, problems } = await openPage(browser, logview.url);
    await page.locator("#phase", { hasText: /^finished$/ }).waitFor();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("sums");
    const facts = (await page.locator("#facts").innerText()).replaceAll(/\s+/g, " ");
    expect(facts).toContain("Step 36");
    expect(facts).toContain("Elapsed 12 min 11 s");
    await page.locator("#facts").getByText("1,200").waitFor();
    expect(facts).toContain("Held out 47% → 94%");
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("draws a curve for reward, success, faults, tool use, loss and mismatch, with validation points", async () => {
    const { page, problems } = await openPage(browser, logview.url);
    for (const chart of ["reward", "success", "faults", "tool-use", "loss", "mismatch"]) {
      const canvas = page.locator(`[data-chart=${chart}] canvas`);
      await canvas.waitFor();
      const colors = await canvas.evaluate((node) => {
        const { data } = node.getContext("2d")?.getImageData(0, 0, node.width, node.height) ?? { data: [] };
        const found = new Set<string>();
        for (let at = 0; at < data.length; at += 4)
          if (data[at + 3] === 255) found.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
        return found.size;
      });
      expect(colors, `colours in ${chart}`).toBeGreaterThan(3);
    }
    expect(await page.locator("[data-chart=faults] .legend-entry").count()).toBe(3);
    expect(await page.locator("[data-chart=faults] .swatch.point").count()).toBe(3);
    await page.getByText("All other numbers").click();
    await page.locator("[data-chart='learner/grad_norm'] canvas").waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a click on a curve shows the episodes of that step, a drag only zooms", async () => {
    const { page } = await openPage(browser, logview.url);
    const plot = page.locator("[data-chart=reward] .u-over");
    await plot.waitFor();
    const box = await plot.boundingBox();
    if (!box) throw new Error("the chart has no place");
    const at = (share: number) => [box.x + box.width * share, box.y + box.height / 2] as const;
    await page.mouse.move(...at(0.2));
    await page.mouse.down();
    await page.mouse.move(...at(0.6), { steps: 5 });
    await page.mouse.up();
    // That nothing happens cannot be waited for; a click would have acted by then.
    await page.waitForTimeout(400);
    expect(new URL(page.url()).hash).not.toContain("episodes");
    await plot.dblclick({ position: { x: 5, y: 5 } });
    await page.getByRole("link", { name: "Episodes" }).click();
    await page.getByRole("link", { name: "Curves" }).click();
    await plot.click({ position: { x: box.width - 1, y: box.height / 2 } });
    await page.waitForURL(/#\/episodes$/);
    expect(await page.getByLabel("Step or range of steps").inputValue()).toBe("36");
    await page.getByText("48 of 1,200 episodes").waitFor();
    await page.context().close();
  });

  test("the list filters by fault, split, success, steps, task and text", async () => {
    const { page, problems } = await openPage(browser, `${logview.url}#/episodes`);
    await page.getByText("1,200 episodes", { exact: true }).waitFor();
    await page.getByLabel("Fault").selectOption("no_print");
    await page.getByText(/^\d+ of 1,200 episodes$/).waitFor();
    for (const row of await seenByTask(page).all()) expect(await row.innerText()).toContain("printed nothing");
    await page.getByLabel("Fault").selectOption("");
    await page.getByLabel("Split").selectOption("validation");
    await page.getByText("48 of 1,200 episodes").waitFor();
    await page.getByLabel("Step or range of steps").fill("18-36");
    await page.getByText("32 of 1,200 episodes").waitFor();
    await page.getByLabel("Success").selectOption("true");
    await expect.poll(() => page.locator(".row .mark.wrong").count(), { timeout: 30_000 }).toBe(0);
    await page.getByLabel("Success").selectOption("");
    await page.getByLabel("Split").selectOption("");
    await page.getByLabel("Step or range of steps").fill("");
    await page.getByLabel("Task").fill("train-0025");
    await page.getByText(/^\d of 1,200 episodes$/).waitFor();
    await page.getByLabel("Task").fill("");
    await page.getByLabel("Search text").fill("not the reference");
    await expect.poll(() => page.locator(".row .mark.right").count(), { timeout: 30_000 }).toBe(0);
    await page.getByLabel("Search text").fill("no such words anywhere");
    await page.getByText("0 of 1,200 episodes").waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("an episode shows its question, turns, code, output, faults, answer and the judge's reason", async () => {
    const episode = makeEpisode({ step: 3, index: 4, progress: 3 / 36 });
    expect(episode.faults.earlyAnswer).toBe(true);
    const { page, problems } = await openPage(browser, `${logview.url}#/episodes/step-000003/4`);
    const pane = page.getByRole("region", { name: "Episode", exact: true });
    await pane.getByText("Turn 2").waitFor();
    const shown = await pane.innerText();
    const question = String(episode.turns[0]?.messages[1]?.content);
    for (const part of [question, String(episode.result.reason), String(episode.judgeInput["final_answer"])])
      expect(shown).toContain(part);
    expect(await pane.locator("pre.code").innerText()).toBe(episode.toolRuns[0]?.arguments["code"]);
    expect(await pane.locator("pre.output").innerText()).toContain("<stdout>");
    const family = await pane
      .locator("pre.code")
      .evaluate((node) => node.ownerDocument.defaultView?.getComputedStyle(node).fontFamily);
    expect(family).toContain("mono");
    expect(await pane.locator(".turn[data-fault=early_answer]").count()).toBe(1);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("trained tokens are blue and darker where less sure, others amber; hovering tells what is known", async () => {
    const [sequence] = makeEpisode({ step: 3, index: 4, progress: 3 / 36 }).sequences;
    if (!sequence) throw new Error("the episode has no sequence");
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await openPage(browser, `${logview.url}#/episodes/step-000003/4`, { colorScheme });
      await page.getByRole("button", { name: "Training tokens" }).click();
      const tokens = page.locator(".tokens .tok");
      expect(await tokens.count()).toBe(sequence.tokenIds.length);
      const colors = await tokens.evaluateAll((nodes) => {
        const context = nodes[0]?.ownerDocument.createElement("canvas").getContext("2d", { willReadFrequently: true });
        return nodes.map((node) => {
          if (!context) return [0, 0, 0];
          context.fillStyle = node.ownerDocument.defaultView?.getComputedStyle(node).backgroundColor ?? "";
          context.fillRect(0, 0, 1, 1);
          return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
        });
      });
      const light = (at: number) => (colors[at] ?? []).reduce((sum, value) => sum + value, 0);
      const trained = [...sequence.lossMask.keys()].filter((at) => sequence.lossMask[at] === 1);
      for (const [at, [red = 0, , blue = 0]] of colors.entries()) {
        if (sequence.lossMask[at] === 1) expect(blue).toBeGreaterThan(red);
        else expect(red).toBeGreaterThan(blue);
      }
      const bySureness = trained.sort((a, b) => (sequence.logprobs[a] ?? 0) - (sequence.logprobs[b] ?? 0));
      for (const [rank, at] of bySureness.entries())
        if (rank > 0) expect(light(at)).toBeGreaterThanOrEqual(light(bySureness[rank - 1] ?? at));
      const [leastSure = 0] = bySureness;
      expect(light(leastSure)).toBeLessThan(light(bySureness.at(-1) ?? 0) - 150);
      await tokens.nth(leastSure).hover();
      const told = await page.getByRole("tooltip").innerText();
      expect(told).toContain((sequence.logprobs[leastSure] ?? 0).toFixed(4));
      expect(told).toMatch(new RegExp(`token id\\s+${sequence.tokenIds[leastSure]}\\s`));
      expect(told).toMatch(new RegExp(`weight version\\s+${sequence.weightVersions[leastSure]}\\s`));
      await tokens.nth(0).hover();
      await page.getByRole("tooltip").getByText("not trained").waitFor();
      await page.context().close();
    }
  });

  test("special tokens, line ends and characters of several tokens are shown", async () => {
    const { page } = await openPage(browser, `${logview.url}#/episodes/step-000003/4`);
    await page.getByRole("button", { name: "Training tokens" }).click();
    const block = page.locator(".tokens").first();
    expect(await block.locator(".special").first().textContent()).toBe("<|im_start|>");
    expect(
      await block
        .locator(".newline")
        .first()
        .evaluate((node) => node.ownerDocument.defaultView?.getComputedStyle(node, "::before").content),
    ).toBe('"↵"');
    expect((await block.textContent())?.replaceAll("·", "")).toContain("it’s 5 €.\n<tool_call>");
    expect(await block.locator(".part").count()).toBe(6);
    await page.context().close();
  });

  test("the arrow keys move between episodes, also from one that the address named", async () => {
    const { page } = await openPage(browser, `${logview.url}#/episodes/step-000003/4`);
    await page.locator(".row[aria-selected=true]").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.waitForURL(/#\/episodes\/step-000003\/3$/);
    await page.locator("#episode[data-place='step-000003/3']").waitFor();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowUp");
    await page.locator("#episode[data-place='step-000003/5']").waitFor();
    expect(await page.locator(".row[aria-selected=true]").getAttribute("data-place")).toBe("step-000003/5");
    await page.context().close();
  });

  test("1,200 episodes are listed within seconds and scroll without a long pause", async () => {
    const { page } = await openPage(browser, `${logview.url}#/episodes`);
    await page.locator(".row[data-place^=v]").first().waitFor();
    const listedMs = await page.evaluate(() => performance.now());
    const frames = await page.locator("#list").evaluate(async (list) => {
      const gaps: number[] = [];
      let last = performance.now();
      for (let frame = 0; frame < 90; frame += 1) {
        list.scrollTop += 720;
        const now = await new Promise<number>((resolve) =>
          list.ownerDocument.defaultView?.requestAnimationFrame(resolve),
        );
        gaps.push(now - last);
        last = now;
      }
      return { gaps: gaps.sort((a, b) => a - b), rows: list.querySelectorAll(".row").length, end: list.scrollTop };
    });
    const median = frames.gaps[45] ?? 0;
    const slowest = frames.gaps.at(-1) ?? 0;
    console.log(
      `first list after ${listedMs.toFixed(0)} ms; 90 scrolled frames: median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`,
    );
    expect(frames.end).toBeGreaterThan(60_000);
    expect(frames.rows).toBeLessThan(80);
    expect(listedMs).toBeLessThan(5_000);
    expect(median).toBeLessThan(100);
    expect(slowest).toBeLessThan(1_000);
    await page.locator("#list").evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.locator(".row[data-place='validation-000000/0']").waitFor();
    await page.context().close();
  });

  test("nothing is cut off at 800 pixels", async () => {
    for (const view of ["#/curves", "#/episodes/step-000003/4"]) {
      const { page } = await openPage(browser, `${logview.url}${view}`, { viewport: { width: 800, height: 700 } });
      await page
        .locator(view === "#/curves" ? "[data-chart=loss] canvas" : ".turn")
        .first()
        .waitFor();
      const [inner, outer] = await page.evaluate<[number, number]>(
        "[document.documentElement.scrollWidth, innerWidth]",
      );
      expect(inner).toBeLessThanOrEqual(outer);
      const wide = await page
        .locator(".chart, .card, .filters > *")
        .evaluateAll((nodes) => nodes.filter((node) => node.getBoundingClientRect().right > 800).length);
      expect(wide).toBe(0);
      await page.context().close();
    }
  });

  test("without a tokenizer tokens are shown as numbers, and why", async () => {
    const folder = join(scratch, "sums");
    const missing = join(scratch, "no-such-model");
    const other = await startLogview({ folder, port: 0, tokenizer: missing });
    const { page } = await openPage(browser, `${other.url}#/episodes/step-000003/4`);
    await page.getByText(`Tokens are shown as numbers: there is no tokenizer.json in ${missing}`).waitFor();
    expect(await page.locator(".tok.trained[data-i]").first().textContent()).toMatch(/^⟨\d+⟩$/);
    await page.context().close();
    await other.close();
  });

  test("a run that failed says why", async () => {
    const folder = join(scratch, "broken");
    await writeExperiment(folder, 2);
    await writeFile(
      join(folder, "summary.json"),
      JSON.stringify({ state: "failed", error: "The engine died: out of memory" }),
    );
    const other = await startLogview({ folder, port: 0 });
    const { page } = await openPage(browser, other.url);
    await page.getByText("The engine died: out of memory").waitFor();
    expect(await page.locator("#phase").textContent()).toBe("failed");
    await page.context().close();
    await other.close();
  });
});
