/**
 * What a busy driver does all the time, each thing at its own pace: `node run.js load.ts ADDRESS TOKEN_FILE FOLDER`. It goes on
 * until its input ends, checks every value, and then says how often it did what.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { init, shutdown } from "../../../runtime/index.ts";
import { actorLives } from "./actor-lives.ts";
import { calls } from "./calls.ts";
import type { Chore } from "./chore.ts";
import { looks } from "./looks.ts";

const [address = "", tokenFile = ""] = process.argv.slice(2);
const runner = join(import.meta.dirname, "..", "..", "fixtures", "drivers", "run.js");
const visitor = join(import.meta.dirname, "visitor.ts");

/** Another driver comes, has an actor, and leaves, or is killed. */
const visits: Chore = {
  name: "drivers that come and go",
  everyMs: 40_000,
  async run(round) {
    const child = spawn(process.execPath, [runner, visitor, address, tokenFile], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    if (round % 2 === 0) child.kill("SIGKILL");
    else child.kill("SIGTERM");
    await ended;
  },
};

const done: Record<string, number> = {};
const failures: string[] = [];
let over = false;
process.stdin.on("end", () => {
  over = true;
});
process.stdin.resume();

async function repeat({ name, everyMs, run }: Chore): Promise<void> {
  for (let round = 0; !over; round += 1) {
    const start = performance.now();
    try {
      await run(round);
      done[name] = (done[name] ?? 0) + 1;
    } catch (error) {
      failures.push(`${name}: ${String(error)}`);
      if (failures.length > 1000) failures.shift();
    }
    const next = start + everyMs;
    while (!over && performance.now() < next) await sleep(Math.min(250, Math.max(1, next - performance.now())));
  }
}

await init({ address, tokenFile, namespace: "constant-load" });
const chores = [...(await calls()), ...actorLives(), ...looks(), visits];
console.log("LOADING");
await Promise.all(chores.map(repeat));
await shutdown();
console.log(`DONE ${JSON.stringify({ done, failures: failures.length, samples: failures.slice(-10) })}`);
process.exit(0);
