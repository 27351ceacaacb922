/** The expanded YAML: the complete configuration as a file of its own. */

import { stringify } from "yaml";
import { isMapping } from "./aliases.ts";
import type { AstuneConfig } from "./complete.ts";
import type { KeyNode } from "./key-tree.ts";
import { nodeAt, own } from "./key-tree.ts";

/** All of `config` as YAML, but for keys without effect that the user did not give (`given` is what stands under `astune:`). */
export function expandedText(config: AstuneConfig, given: unknown): string {
  return stringify({ astune: pruned(config, nodeAt(["astune"]), given) }, { lineWidth: 0 });
}

function pruned(value: Readonly<Record<string, unknown>>, node: KeyNode | undefined, given: unknown): unknown {
  const from = isMapping(given) ? given : {};
  const entries = Object.entries(value).flatMap(([name, child]) => {
    const known = own(node?.properties, name);
    if (known?.noEffect !== undefined) return Object.hasOwn(from, name) ? [[name, child]] : [];
    if (!isMapping(child) || known?.properties === undefined) return [[name, child]];
    const kept = pruned(child, known, from[name]);
    return isMapping(kept) && Object.keys(kept).length === 0 ? [] : [[name, kept]];
  });
  return Object.fromEntries(entries);
}
