/** The key tree: the schema as plain data, to be walked by messages, warnings and generators. */

import { z } from "zod";
import type { KeyNotes } from "./schema/index.ts";
import { fileSchema } from "./schema/index.ts";

/** A place in a file: keys of mappings and indices of lists. */
export type KeyPath = readonly (string | number)[];

/** One node of the tree: JSON schema with the notes of the key. */
export interface KeyNode extends KeyNotes {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly KeyNode[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly properties?: Readonly<Record<string, KeyNode>>;
  readonly required?: readonly string[];
  readonly items?: KeyNode;
  readonly prefixItems?: readonly KeyNode[];
  readonly additionalProperties?: unknown;
}

/** The tree of a whole file; its first level is `astune`, `trinity`, … */
export const keyTree = z.toJSONSchema(fileSchema, { io: "input" }) as KeyNode;

/** Whether a node is a mapping with known keys. */
export function isSection(node: KeyNode | undefined): node is KeyNode & Required<Pick<KeyNode, "properties">> {
  return node?.properties !== undefined && node.additionalProperties === false;
}

/** The node at `path`, or undefined where the schema has no such key. */
export function nodeAt(path: KeyPath): KeyNode | undefined {
  let node: KeyNode | undefined = keyTree;
  for (const step of path) node = childOf(node, step);
  return node;
}

function childOf(node: KeyNode | undefined, step: string | number): KeyNode | undefined {
  if (typeof step === "string") return own(node?.properties, step);
  const list = node?.anyOf?.find((option) => option.type === "array") ?? node;
  return list?.prefixItems?.[step] ?? list?.items;
}

/** `record[name]` where it is the record's own. */
export function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** `a.b[0].c`. */
export function spell(path: KeyPath): string {
  return path.map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`)).join("");
}

/** Every key below `node` that is not a section, with its path. */
export function* leaves(node: KeyNode = keyTree, path: KeyPath = []): Generator<{ path: KeyPath; node: KeyNode }> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    if (isSection(child)) yield* leaves(child, [...path, name]);
    else yield { path: [...path, name], node: child };
  }
}
