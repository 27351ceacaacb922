/** Keys that the user gave and that change nothing here: one line each. */

import { isMapping } from "./aliases.ts";
import type { KeyNode, KeyPath } from "./key-tree.ts";
import { keyTree, own } from "./key-tree.ts";

const DEAD_LOGGERS = ["swanlab", "wandb", "mlflow"];

/** One warning for each key of `root` without effect; a section without effect gets one for itself. */
export function warningsOf(root: Record<string, unknown>, where: (path: KeyPath) => string): string[] {
  return [...walk(root, keyTree, [], where), ...loggers(root, where)];
}

function* walk(
  value: Record<string, unknown>,
  node: KeyNode,
  path: KeyPath,
  where: (path: KeyPath) => string,
): Generator<string> {
  for (const [name, child] of Object.entries(value)) {
    const known = own(node.properties, name);
    if (known === undefined) continue;
    const at = [...path, name];
    if (known.noEffect !== undefined) {
      const quiet = known.quietAt?.some((allowed) => JSON.stringify(allowed) === JSON.stringify(child)) ?? false;
      const empty = isMapping(child) && Object.keys(child).length === 0;
      if (!quiet && !empty) yield `${where(at)}: has no effect here: ${known.noEffect}`;
    } else if (isMapping(child)) yield* walk(child, known, at, where);
  }
}

function* loggers(root: Record<string, unknown>, where: (path: KeyPath) => string): Generator<string> {
  const path = ["astune", "trainer_common", "logger"];
  const given = path.reduce<unknown>((value, step) => (isMapping(value) ? value[step] : undefined), root);
  const dead = [given].flat().filter((name) => typeof name === "string" && DEAD_LOGGERS.includes(name));
  if (dead.length > 0) yield `${where(path)}: ${dead.join(", ")} has no effect here: console and tensorboard do`;
}
