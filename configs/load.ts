/** From a YAML file and the command line to the complete configuration. */

import { dirname, join, resolve } from "node:path";
import { applyAliases, isMapping } from "./aliases.ts";
import type { AstuneConfig } from "./complete.ts";
import { complete } from "./complete.ts";
import { ConfigError } from "./config-error.ts";
import { expandedText } from "./expanded.ts";
import type { KeyNode } from "./key-tree.ts";
import { isSection, keyTree, own } from "./key-tree.ts";
import type { Override } from "./overrides.ts";
import { applyOverride, readOverride } from "./overrides.ts";
import { Places } from "./places.ts";
import { problemsOf } from "./problems.ts";
import { brokenRules } from "./rules.ts";
import { fileSchema } from "./schema/index.ts";
import type { Source } from "./source.ts";
import { readSource } from "./source.ts";
import type { UserErrorFacts } from "./user-error.ts";
import { warningsOf } from "./warnings.ts";

/** What the command line and the caller add to the file. */
export interface LoadOptions {
  /** `key=value`, later ones win; the key may leave out its leading `astune.`. */
  readonly set?: readonly string[];
  /** In place of `astune.backbone`. */
  readonly backbone?: string;
  /** Where relative paths lead that do not exist beside the YAML. Default: the process's own. */
  readonly workingFolder?: string;
  /** The time in the experiment's name. Default: now. */
  readonly now?: Date;
}

/** A configuration, read and complete. */
export interface LoadedConfig {
  readonly config: AstuneConfig;
  /** One line each, for the caller to print. */
  readonly warnings: readonly string[];
  /** The YAML file, absolute. */
  readonly path: string;
  /** Its folder. */
  readonly folder: string;
  readonly experimentName: string;
  /** `<experiment_dir>/<experiment name>`. */
  readonly experimentFolder: string;
  /** Where the user gave a key below `astune:`, for messages: `file:line: astune.model.path`. */
  where(key: string): string;
  /** The whole configuration as a YAML file that loads to the same, with the same warnings. */
  expandedYaml(): string;
}

/** Reads and checks a configuration. Throws a ConfigError with a line for everything that is wrong. */
export async function loadConfig(path: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const source = await readSource(path);
  const overrides = readOverrides(options);
  const root = rootOf(source);
  const fromFile = applyAliases(root);
  for (const override of overrides) applyOverride(root, override);
  const fromOverrides = applyAliases(root);
  fillEmptySections(root, keyTree);
  const places = new Places(source, overrides, [...fromFile.moved, ...fromOverrides.moved]);

  const result = fileSchema.safeParse(root, { reportInput: true });
  const problems = [...fromFile.problems, ...fromOverrides.problems, ...problemsOf(result.error)];
  if (!result.success || problems.length > 0) throw places.error(problems);

  const file = resolve(path);
  const folders = { yaml: dirname(file), working: options.workingFolder ?? process.cwd() };
  const config = complete(result.data.astune, { path: file, folders, now: options.now ?? new Date() });
  const broken = brokenRules(config);
  if (broken.length > 0) throw places.error(broken);
  return {
    config,
    warnings: warningsOf(root, (at) => places.where(at)),
    path: file,
    folder: folders.yaml,
    experimentName: config.experiment_name,
    experimentFolder: join(config.experiment_dir, config.experiment_name),
    where: (key) => places.where(["astune", ...key.split(".")]),
    expandedYaml: () => expandedText(config, root["astune"]),
  };
}

function readOverrides(options: LoadOptions): Override[] {
  const read = (options.set ?? []).map(readOverride);
  const wrong = read.filter((item): item is UserErrorFacts => "expected" in item);
  if (wrong.length > 0) throw new ConfigError(wrong);
  const overrides = read.filter((item): item is Override => "path" in item);
  if (options.backbone === undefined) return overrides;
  return [...overrides, { path: ["astune", "backbone"], value: options.backbone, where: "--backbone" }];
}

function rootOf(source: Source): Record<string, unknown> {
  const { data, path } = source;
  const problem = { where: `${path}:1`, expected: "settings under astune:" };
  if (!isMapping(data)) throw new ConfigError([{ ...problem, found: Array.isArray(data) ? "a list" : "plain text" }]);
  if (Object.hasOwn(data, "astune")) return structuredClone(data);
  const keys = Object.keys(data);
  throw new ConfigError([{ ...problem, found: keys.length === 0 ? "no keys" : `only ${keys.slice(0, 5).join(", ")}` }]);
}

/** A section whose keys are all commented out reads as null: it is an empty section. */
function fillEmptySections(value: Record<string, unknown>, node: KeyNode): void {
  for (const [name, child] of Object.entries(value)) {
    const known = own(node.properties, name);
    if (!isSection(known)) continue;
    if (child === null) value[name] = {};
    else if (isMapping(child)) fillEmptySections(child, known);
  }
}
