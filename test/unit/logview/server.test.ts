import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Logview, startLogview } from "../../../backbones/logview/index.ts";
import { UserError } from "../../../configs/index.ts";
import { appendEpisodes, beginExperiment, makeEpisode } from "../../browser/logview-fixture.ts";

let folder: string;
let logview: Logview;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-server-"));
  await beginExperiment(folder);
  await appendEpisodes(
    folder,
    [0, 1, 2].map((index) => makeEpisode({ step: 1, index })),
  );
  logview = await startLogview({ folder, port: 0 });
});
afterAll(async () => {
  await logview.close();
  await rm(folder, { recursive: true, force: true });
});

function ask(
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, logview.url), { method, headers }, (reply) => {
      let body = "";
      reply.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      reply.on("end", () => resolve({ status: reply.statusCode ?? 0, body }));
    });
    sent.on("error", reject).end();
  });
}

test("names of other hosts are refused, this machine's own are not, whatever the port", async () => {
  for (const host of ["evil.example", "127.0.0.1.evil.example", "evil.example:8181", "192.168.0.7:8181", "0.0.0.0"])
    expect((await ask("/", { host })).status, host).toBe(403);
  expect((await ask("/api/events", { host: "evil.example" })).status).toBe(403);
  for (const host of ["localhost:9000", "127.0.0.1:8181", "[::1]:8181", "LOCALHOST"])
    expect((await ask("/", { host })).status, host).toBe(200);
});

test("only GET is answered", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
    expect((await ask("/api/metrics", {}, method)).status, method).toBe(405);
});

test("nothing outside the page's own files can be fetched", async () => {
  for (const path of [
    "/page/../server.ts",
    "/page/%2e%2e/server.ts",
    "/page/..%2fserver.ts",
    "/config.yaml",
    "/uplot/../package.json",
  ])
    expect((await ask(path)).status, path).toBeGreaterThanOrEqual(400);
  for (const path of [
    "/api/episodes/..%2f..%2fconfig/0",
    "/api/episodes/step-000001/3",
    "/api/episodes/step-000001/-1",
  ])
    expect((await ask(path)).status, path).toBe(404);
});

test("an episode is found though nobody has listed any yet", async () => {
  const { status, body } = await ask("/api/episodes/step-000001/2");
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ row: { taskId: "train-0008" }, sequences: [{}], turns: [{}, {}] });
});

test("nothing from elsewhere may be loaded into the page", async () => {
  const { headers } = await fetch(logview.url);
  expect(headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});

test("a port that is taken is one line that says what to do", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const failed = await startLogview({ folder, port }).catch((error: unknown) => error);
  taken.close();
  expect(failed).toBeInstanceOf(UserError);
  expect((failed as UserError).message).toBe(
    `logview port ${port}: expected a free port, got one that another program listens on (end that program (another logview?) or choose another port, 0 for any)`,
  );
});

test("an address that others could reach is refused", async () => {
  for (const host of ["0.0.0.0", "192.168.0.7", "::", "example.com"])
    await expect(startLogview({ folder, port: 0, host })).rejects.toThrow("loopback");
});

test("closing ends open streams, and may be done twice", async () => {
  const other = await startLogview({ folder, port: 0, pollMs: 20 });
  const stream = await fetch(new URL("/api/events", other.url));
  const reading = stream.text().catch(() => "cut off");
  await Promise.all([other.close(), other.close()]);
  expect(await reading).toMatch(/^retry: 1000|cut off/);
  await expect(fetch(other.url)).rejects.toThrow();
});
