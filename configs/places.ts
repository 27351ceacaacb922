/** Where the user wrote a key: in the file, under another name perhaps, or on the command line. */

import type { Moved } from "./aliases.ts";
import { ConfigError } from "./config-error.ts";
import type { KeyPath } from "./key-tree.ts";
import { isSection, nodeAt, spell } from "./key-tree.ts";
import type { Override } from "./overrides.ts";
import type { Problem } from "./problems.ts";
import type { Source } from "./source.ts";

/** Finds the places of keys. Paths have the schema's spelling. */
export class Places {
  readonly #source: Source;
  readonly #overrides: readonly Override[];
  readonly #moved: readonly Moved[];

  constructor(source: Source, overrides: readonly Override[], moved: readonly Moved[]) {
    this.#source = source;
    this.#overrides = overrides;
    this.#moved = moved;
  }

  /** `file:line: key`, or the option that gave the key. */
  where(path: KeyPath): string {
    const override = this.#overrideOf(path);
    if (override !== undefined) {
      return path.length > override.path.length ? `${override.where}: ${spell(path)}` : override.where;
    }
    const given = this.#asGiven(path);
    return `${this.#source.path}:${this.#source.lineOf(given)}: ${spell(given)}`;
  }

  /** One error of all problems, in the file's order; those of the command line come last. */
  error(problems: readonly Problem[]): ConfigError {
    const line = ({ path }: Problem) =>
      this.#overrideOf(path) === undefined ? this.#source.lineOf(this.#asGiven(path)) : Number.POSITIVE_INFINITY;
    const sorted = [...problems].sort((a, b) => (line(a) === line(b) ? 0 : line(a) - line(b)));
    return new ConfigError(sorted.map(({ path, ...facts }) => ({ where: this.where(path), ...facts })));
  }

  /** The last option that set `path`, something around it, or what made it (`seed.x=1` makes `seed` a mapping). */
  #overrideOf(path: KeyPath): Override | undefined {
    const around = this.#overrides.findLast((override) => isWithin(path, override.path));
    if (around !== undefined || path.length < 2) return around;
    if (this.#source.has(this.#asGiven(path)) && isSection(nodeAt(path))) return undefined;
    return this.#overrides.findLast((override) => isWithin(override.path, path));
  }

  #asGiven(path: KeyPath): KeyPath {
    if (this.#source.has(path)) return path;
    const alias = this.#moved.find(({ to }) => isWithin(path, to));
    return alias === undefined ? path : [...alias.from, ...path.slice(alias.to.length)];
  }
}

function isWithin(path: KeyPath, parent: KeyPath): boolean {
  return parent.length <= path.length && parent.every((step, i) => path[i] === step);
}
