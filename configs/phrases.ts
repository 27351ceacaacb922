/** What messages say after "expected" and "got". */

import type { KeyNode } from "./key-tree.ts";
import { isSection } from "./key-tree.ts";

const LONGEST = 60;

/** The phrase after "expected": what the key may hold. */
export function expectedPhrase(node: KeyNode | undefined): string {
  if (node === undefined) return "a known key";
  if (node.expects !== undefined) return node.expects;
  if (node.anyOf !== undefined) return node.anyOf.map(expectedPhrase).join(" or ");
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.length === 1 ? String(node.enum[0]) : `one of ${node.enum.join(", ")}`;
  if (isSection(node) || node.type === "object") return "a mapping";
  if (node.type === "array") return node.items ? `a list, each item ${expectedPhrase(node.items)}` : "a list";
  if (node.type === "boolean") return "true or false";
  if (node.type === "integer") return `a whole number${range(node)}`;
  if (node.type === "number") return `a number${range(node)}`;
  if (node.type === "string") return "text";
  return node.type ?? "a value";
}

function range(node: KeyNode): string {
  const low = node.minimum !== undefined && node.minimum > Number.MIN_SAFE_INTEGER ? node.minimum : undefined;
  const high = node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER ? node.maximum : undefined;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  const parts = [
    low === undefined ? "" : ` ≥ ${low}`,
    node.exclusiveMinimum === undefined ? "" : ` > ${node.exclusiveMinimum}`,
    high === undefined ? "" : ` ≤ ${high}`,
  ].filter((part) => part !== "");
  return parts.join(" and");
}

/** The phrase after "got": the value as it was given, cut where it is long. */
export function foundPhrase(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return "a mapping";
  if (Array.isArray(value) && value.some((item) => item !== null && typeof item === "object")) return "a list";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
