/** A real Chromium for tests, where there is one. */

import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Whether Chromium is on this machine. */
export const hasChromium = existsSync(executablePath);

/** Starts Chromium without any of its own calls to the network. */
export function openChromium(): Promise<Browser> {
  const quiet = ["background-networking", "component-update", "sync", "gpu"].map((feature) => `--disable-${feature}`);
  return chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--no-first-run", ...quiet] });
}

/** A page, and everything that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors of the console, uncaught errors, and requests to other hosts. */
  readonly problems: readonly string[];
}

/** Opens a page that keeps a list of its problems. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(url).host) problems.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, problems };
}
