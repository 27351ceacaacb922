/** Other spellings of keys and values, from upstream's versions: each is turned into the one that the schema has. */

import type { KeyPath } from "./key-tree.ts";
import { foundPhrase } from "./phrases.ts";
import type { Problem } from "./problems.ts";

/** Keys: the other spelling, and the schema's. Both are below the file's root. */
export const KEY_ALIASES: Readonly<Record<string, string>> = {
  "astune.rollout.user_workflow": "astune.rollout.agentscope_learn_protocol",
  "astune.rollout.agentscope_disable_toolcalls": "astune.rollout.force_disable_toolcalls",
  "astune.task_reader.jsonl_dataset_file": "astune.task_reader.dataset_file",
  "astune.trainer_common.algorithm.adv_estimator": "astune.trainer_common.algorithm.name",
  "astune.trainer_common.lora.lora_rank": "astune.trainer_common.lora.rank",
  "astune.trainer_common.lora.lora_alpha": "astune.trainer_common.lora.alpha",
  "astune.trainer_common.gpu_memory_utilization": "astune.inference.gpu_memory_utilization",
  "astune.rollout.gpu_memory_utilization": "astune.inference.gpu_memory_utilization",
  "trinity.max_staleness": "astune.trinity.max_staleness",
  "trinity.layout": "astune.trinity.layout",
  "trinity.partial_rollout": "astune.trinity.partial_rollout",
  "trinity.runner_per_model": "astune.trinity.runner_per_model",
};

/** Values: key, then the other spelling and the schema's. */
export const VALUE_ALIASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "astune.trainer_common.kl_loss_type": { low_var_kl: "k3" },
  "astune.task_reader.type": { jsonl_dataset_file: "dataset_file" },
  "astune.task_judge.judge_type": { customized_protocal: "customized_protocol" },
};

/** A key that was moved: where it stands now and where the user wrote it. */
export interface Moved {
  readonly to: KeyPath;
  readonly from: KeyPath;
}

/** Rewrites `root` in place to the schema's spelling. A key given in both spellings with two values is a problem. */
export function applyAliases(root: Record<string, unknown>): { moved: Moved[]; problems: Problem[] } {
  const moved: Moved[] = [];
  const problems: Problem[] = [];
  for (const [alias, name] of Object.entries(KEY_ALIASES)) {
    const from = alias.split(".");
    const to = name.split(".");
    const holder = mappingAt(root, from.slice(0, -1));
    const last = from.at(-1) ?? "";
    if (holder === undefined || !Object.hasOwn(holder, last)) continue;
    const target = mappingAt(root, to.slice(0, -1), true);
    if (target === undefined) continue;
    const value = holder[last];
    delete holder[last];
    const toLast = to.at(-1) ?? "";
    if (!Object.hasOwn(target, toLast)) {
      target[toLast] = value;
      moved.push({ from, to });
    } else if (JSON.stringify(target[toLast]) !== JSON.stringify(value)) {
      const found = `${foundPhrase(value)} beside ${foundPhrase(target[toLast])} in ${name}, which is the same key`;
      problems.push({ path: from, expected: "one value", found });
    }
  }
  for (const [name, values] of Object.entries(VALUE_ALIASES)) {
    const path = name.split(".");
    const holder = mappingAt(root, path.slice(0, -1));
    const last = path.at(-1) ?? "";
    const given = holder?.[last];
    if (holder !== undefined && typeof given === "string" && Object.hasOwn(values, given)) holder[last] = values[given];
  }
  return { moved, problems };
}

/** The schema's path of a key that may be spelled another way. */
export function canonicalPath(path: readonly string[]): readonly string[] {
  for (const [alias, name] of Object.entries(KEY_ALIASES)) {
    const from = alias.split(".");
    if (from.every((step, i) => path[i] === step)) return [...name.split("."), ...path.slice(from.length)];
  }
  return path;
}

/** The mapping at `path`; with `make`, made where nothing is there. */
function mappingAt(
  root: Record<string, unknown>,
  path: readonly string[],
  make = false,
): Record<string, unknown> | undefined {
  let node = root;
  for (const step of path) {
    if (make && (!Object.hasOwn(node, step) || node[step] === null)) node[step] = {};
    const next = Object.hasOwn(node, step) ? node[step] : undefined;
    if (!isMapping(next)) return undefined;
    node = next;
  }
  return node;
}

/** Whether `value` is a mapping of a YAML file. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
