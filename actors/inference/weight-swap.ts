/** Puts other weights into a running vLLM server: stand still, reload, forget old caches, go on. */

import type { Capability } from "./capabilities.ts";
import type { EngineHttp } from "./engine-http.ts";
import { BadWeightsError, EngineRequestError } from "./errors.ts";
import type { ServedWeights } from "./running-server.ts";

export interface SwapStep {
  readonly path: string;
  readonly body?: unknown;
}

/** The step with which generations go on. */
export const RESUME = "/resume";

/**
 * The requests of a swap, in order, for what the server has; pure. Running generations are kept where the server can,
 * else waited for; their old keys and values are dropped with the prefix cache. A server without `collective_rpc`
 * cannot swap: the list is empty.
 */
export function swapSteps(has: ReadonlySet<Capability>, weights: ServedWeights, timeoutMs: number): SwapStep[] {
  if (!has.has("collective_rpc")) return [];
  const pause = has.has("pause_keep") ? "/pause?mode=keep" : "/pause?wait_for_inflight_requests=true";
  const reset = has.has("reset_running_requests")
    ? "/reset_prefix_cache?reset_running_requests=true"
    : "/reset_prefix_cache";
  return [
    ...(has.has("pause") ? [{ path: pause }] : []),
    { path: "/collective_rpc", body: { ...load(weights, timeoutMs), timeout: Math.ceil(timeoutMs / 1000) } },
    ...(has.has("reset_prefix_cache") ? [{ path: reset }] : []),
    ...(has.has("update_weight_version")
      ? [{ path: "/update_weight_version", body: { new_version: String(weights.version) } }]
      : []),
    ...(has.has("pause") ? [{ path: RESUME }] : []),
  ];
}

/** The worker's method that takes the weights; see `vllm_reload.py`. */
function load({ dir, published }: ServedWeights, timeoutMs: number): object {
  if (published === undefined) return { method: "reload_weights_whole", kwargs: { weights_path: dir } };
  return { method: "load_published", kwargs: { weights: published, timeout_seconds: timeoutMs / 1000 } };
}

interface StepReply {
  readonly success?: boolean;
  readonly results?: readonly ({ readonly ok?: boolean; readonly touched?: boolean; readonly why?: string } | null)[];
}

/**
 * Runs steps one after another; throws at the first that fails, takes longer than `timeoutMs`, or answers
 * `{"success": false}`, as vLLM does when a cache could not be dropped. `BadWeightsError` when a worker refused what
 * arrived before it touched what it serves.
 */
export async function runSteps(http: EngineHttp, steps: readonly SwapStep[], timeoutMs: number): Promise<void> {
  for (const step of steps) {
    const reply = (await http.json({ method: "POST", timeoutMs, ...step })) as StepReply | null;
    if (reply?.success === false) {
      const message = 'it answered {"success": false}';
      throw new EngineRequestError({ during: `POST ${step.path}`, status: 503, message });
    }
    const results = reply?.results ?? [];
    const refusals = results.filter((result) => result?.ok === false);
    if (refusals.length === 0) continue;
    const why = refusals[0]?.why ?? "it does not say why";
    // Some workers have other weights than their siblings: nobody knows what such an engine serves.
    if (refusals.length === results.length) throw new BadWeightsError({ dir: "the learner's memory", why });
    throw new EngineRequestError({ during: `POST ${step.path}`, status: 500, message: why });
  }
}
