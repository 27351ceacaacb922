/** A YAML file with the line of each of its keys. */

import { readFile } from "node:fs/promises";
import type { Document, Node, Pair } from "yaml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import { ConfigError } from "./config-error.ts";
import type { KeyPath } from "./key-tree.ts";
import { spell } from "./key-tree.ts";
import type { UserErrorFacts } from "./user-error.ts";

/** A file as it was read. */
export interface Source {
  readonly path: string;
  /** What the file holds, as plain values. */
  readonly data: unknown;
  /** The line of the key at `path`, or of its nearest ancestor that is there. The first line is 1. */
  lineOf(path: KeyPath): number;
  /** Whether the file has the key at `path`. */
  has(path: KeyPath): boolean;
}

/** Reads `path`. Throws a ConfigError where it is missing, empty, not a YAML file, not YAML, or has a key twice. */
export async function readSource(path: string): Promise<Source> {
  if (!/\.ya?ml$/.test(path))
    fail({ where: path, expected: "a file name that ends in .yaml or .yml", found: `"${path}"` });
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return fail({ where: path, expected: "a configuration file", found: "no such file" });
    if (cause.code === "EISDIR") return fail({ where: path, expected: "a configuration file", found: "a folder" });
    return fail({ where: path, expected: "a readable file", found: cause.message });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const problems = document.errors.map((error): UserErrorFacts => {
    const line = lines.linePos(error.pos[0]).line;
    if (error.code !== "DUPLICATE_KEY") {
      return { where: `${path}:${line}`, expected: "valid YAML", found: `an error: ${error.message}` };
    }
    const { key, firstOffset } = duplicate(document, error.pos[0]);
    const first = lines.linePos(firstOffset).line;
    return { where: `${path}:${line}: ${key}`, expected: "each key once", found: `it again (first on line ${first})` };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    fail({ where: `${path}:1`, expected: "settings under astune:", found: "an empty file" });
  }
  return {
    path,
    data: toData(document, path),
    lineOf: (key) => lines.linePos(locate(document, key).offset).line,
    has: (key) => locate(document, key).found,
  };
}

function fail(problem: UserErrorFacts): never {
  throw new ConfigError([problem]);
}

function toData(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    return fail({ where: `${path}:1`, expected: "valid YAML", found: `an error: ${(cause as Error).message}` });
  }
}

/** Where the key at `path` stands, or the last of its ancestors that is there. */
function locate(document: Document, path: KeyPath): { offset: number; found: boolean } {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
      if (pair === undefined) return { offset, found: false };
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === "number") {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else return { offset, found: false };
  }
  return { offset, found: true };
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** The path of the key that stands at `offset`, and where its mapping has that key first. */
function duplicate(document: Document, offset: number): { key: string; firstOffset: number } {
  let found = { key: "a key", firstOffset: offset };
  visit(document, {
    Pair(_, pair, ancestors) {
      if (startOf(pair.key) !== offset) return undefined;
      const names = [...ancestors, pair]
        .filter((node): node is Pair => !isMap(node) && "key" in node && "value" in node)
        .map((node) => (isScalar(node.key) ? String(node.key.value) : "?"));
      const map = ancestors.findLast(isMap);
      const first = map?.items.find((item) => isScalar(item.key) && String(item.key.value) === names.at(-1));
      found = { key: spell(names), firstOffset: startOf(first?.key) ?? offset };
      return visit.BREAK;
    },
  });
  return found;
}
