// Loaded into each Node process that is watched (`--import`): says every few seconds how large its heap is after a
// collection. Plain JavaScript, because it runs before anything can read TypeScript.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";

const {
  ASTUNE_PROBE_FOLDER: folder = "",
  ASTUNE_PROBE_SECONDS: seconds = "10",
  ASTUNE_PROBE_HOSTS: hosts,
} = process.env;
// Hosts come and go; their collections would be most of the work.
const isHost = process.argv[1]?.endsWith("/runtime/host/main.js") === true;
if (isMainThread && folder !== "" && (!isHost || hosts === "1")) {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  setInterval(() => {
    gc();
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
    appendFileSync(
      join(folder, `${process.pid}.jsonl`),
      `${JSON.stringify({ at: Date.now(), rss, heapUsed, external, arrayBuffers })}\n`,
    );
  }, Number(seconds) * 1000).unref();
}
