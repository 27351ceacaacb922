/** Sleep and wake of a server, believed only when it says so itself: vLLM answers 200 and does nothing without its flag. */

import { EngineSleepError } from "./errors.ts";
import type { RunningServer, ServedWeights } from "./running-server.ts";

/** Puts the server to sleep. Throws `EngineSleepError` when it is awake all the same. */
export async function sleepServer(server: RunningServer, level: 1 | 2, timeoutMs: number): Promise<void> {
  if (!server.capabilities.has("sleep")) {
    throw new EngineSleepError({ wanted: "asleep", why: "it was started without sleep mode (set sleepMode)" });
  }
  await server.http.json({ method: "POST", path: `/sleep?level=${level}`, timeoutMs });
  if (!(await isSleeping(server, timeoutMs))) {
    throw new EngineSleepError({ wanted: "asleep", why: "it answered, and is awake" });
  }
}

/** Wakes the server. After level 2 the weights come back first, then the caches; stale caches would answer wrongly. */
export async function wakeServer(
  server: RunningServer,
  level: number,
  weights: ServedWeights,
  timeoutMs: number,
): Promise<void> {
  const post = async (path: string): Promise<unknown> => server.http.json({ method: "POST", path, timeoutMs });
  if (level === 2 && (weights.dir ?? weights.published) !== undefined) {
    await post("/wake_up?tags=weights");
    await server.loadWeights(weights);
    await post("/wake_up?tags=kv_cache");
  } else {
    await post("/wake_up");
  }
  if (server.capabilities.has("reset_prefix_cache")) await post("/reset_prefix_cache");
  if (await isSleeping(server, timeoutMs)) throw new EngineSleepError({ wanted: "awake", why: "it still sleeps" });
}

async function isSleeping(server: RunningServer, timeoutMs: number): Promise<boolean> {
  if (!server.capabilities.has("is_sleeping")) return false;
  const reply = await server.http.json({ method: "GET", path: "/is_sleeping", timeoutMs });
  return (reply as { is_sleeping?: boolean } | null)?.is_sleeping === true;
}
