/** The one row that a user means: by its id, the beginning of it, or its name. */

import { nearest, UserError } from "../../../configs/index.ts";
import type { HeadAccess } from "../../../runtime/client/index.ts";
import type { ListKind, ListQuery, ListReply, Row } from "../../../runtime/control/index.ts";
import { idColumn } from "../../../runtime/state/index.ts";

/** As many as the head gives in one answer. */
export const everything = 10_000;
const shortest = 4;

export async function listRows(head: HeadAccess, query: ListQuery): Promise<ListReply> {
  return (await head.ask("list", query)) as ListReply;
}

/** The row of this kind. Throws a UserError with the nearest known id where there is none, or several. */
export async function findRow(head: HeadAccess, kind: ListKind, given: string): Promise<Row> {
  const found = await findRows(head, [kind], given);
  return found.row;
}

/** The row of one of these kinds, earlier kinds first. */
export async function findRows(
  head: HeadAccess,
  kinds: readonly ListKind[],
  given: string,
): Promise<{ readonly kind: ListKind; readonly row: Row }> {
  const rows: { kind: ListKind; row: Row }[] = [];
  for (const kind of kinds) {
    const { result } = await listRows(head, { kind, filters: [], limit: everything });
    rows.push(...result.map((row) => ({ kind, row })));
  }
  const idOf = ({ kind, row }: (typeof rows)[number]): string => String(row[idColumn(kind)]);
  const exact = rows.find((each) => idOf(each) === given);
  if (exact) return exact;
  const named = rows.filter(({ row }) => given !== "" && row["name"] === given);
  const begun = given.length >= shortest ? rows.filter((each) => idOf(each).startsWith(given)) : [];
  const likely = named.length > 0 ? livingOf(named) : begun;
  const [first, ...others] = likely;
  if (first && others.length === 0) return first;
  const what = kinds.map((kind) => kind.replace(/s$/, "").replace("-", " ")).join(", ");
  if (first) {
    const ids = likely.slice(0, 3).map(idOf).join(", ");
    throw new UserError({ where: what, expected: "an id that is one's alone", found: given, fix: `it fits ${ids}` });
  }
  const names = rows.flatMap(({ row }) => (row["name"] ? [String(row["name"])] : []));
  const near = nearest(given, [...rows.map(idOf), ...names]);
  const fix = near !== undefined ? `did you mean ${near}?` : rows.length === 0 ? "there are none" : "see: astune list";
  throw new UserError({ where: what, expected: "the id or name of one", found: given || "nothing", fix });
}

/** Of several with one name, those that still live; where none does, the last. */
function livingOf<T extends { readonly row: Row }>(named: readonly T[]): readonly T[] {
  const ended = ["DEAD", "REMOVED", "STOPPED", "SUCCEEDED", "FAILED"];
  const living = named.filter(({ row }) => !ended.includes(String(row["state"] ?? row["status"])));
  return living.length > 0 ? living : named.slice(-1);
}
