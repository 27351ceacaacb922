/** Settings from the command line: `--set key=value`. */

import { parseDocument } from "yaml";
import { canonicalPath, isMapping } from "./aliases.ts";
import type { UserErrorFacts } from "./user-error.ts";

/** One `--set`, read. `path` has the schema's spelling. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** The option as the user would recognise it. */
  readonly where: string;
}

/** Reads `key=value`, the value as YAML. The key may leave out its leading `astune.`. */
export function readOverride(text: string): Override | UserErrorFacts {
  const at = text.indexOf("=");
  const key = at < 0 ? text.trim() : text.slice(0, at).trim();
  const steps = key.split(".");
  if (at < 0 || steps.some((step) => step === "")) {
    return { where: "--set", expected: "key=value, as in rollout.num_repeat=8", found: JSON.stringify(text) };
  }
  const where = `--set ${key}`;
  const document = parseDocument(text.slice(at + 1), { prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) return { where, expected: "a YAML value", found: JSON.stringify(text.slice(at + 1)) };
  return { path: canonicalPath(steps[0] === "astune" ? steps : ["astune", ...steps]), value: document.toJS(), where };
}

/** Writes the override into `root`, through mappings that it makes where they are missing. */
export function applyOverride(root: Record<string, unknown>, override: Override): void {
  let node = root;
  for (const step of override.path.slice(0, -1)) {
    const next = Object.hasOwn(node, step) ? node[step] : undefined;
    const mapping = isMapping(next) ? next : {};
    put(node, step, mapping);
    node = mapping;
  }
  put(node, override.path.at(-1) ?? "", override.value);
}

function put(node: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(node, name, { value, writable: true, enumerable: true, configurable: true });
}
