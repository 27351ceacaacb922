// Conditions on rows, as `ray list --filter` has them.
import type { ListFilter, Row } from "../control/index.ts";

/** `column=value` or `column!=value`; undefined for what is neither. */
export function parseFilter(text: string): ListFilter | undefined {
  const match = text.match(/^([a-z_]+)(!?=)(.*)$/s);
  if (!match) return undefined;
  const [, column = "", predicate, value = ""] = match;
  return { column, predicate: predicate as ListFilter["predicate"], value };
}

/** Values are compared as texts, without regard to case, as in Ray; a column that is empty equals the empty text. */
export function matches(row: Row, { column, predicate, value }: ListFilter): boolean {
  const found = row[column];
  const text =
    found === null || found === undefined ? "" : typeof found === "object" ? JSON.stringify(found) : String(found);
  return (text.toLowerCase() === value.toLowerCase()) === (predicate === "=");
}
