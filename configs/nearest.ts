/** "did you mean": the known name that is nearest to a mistyped one. */

import type { KeyPath } from "./key-tree.ts";
import { isSection, leaves, nodeAt, spell } from "./key-tree.ts";

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The one of `names` that `name` was most likely meant to be, if any is near enough. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: { name: string; distance: number } | undefined;
  const lower = name.toLowerCase();
  for (const candidate of names) {
    const distance = editDistance(lower, candidate.toLowerCase());
    const allowed = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (distance <= allowed && (best === undefined || distance < best.distance)) best = { name: candidate, distance };
  }
  return best?.name;
}

/** What to suggest for the unknown key `path`: a sibling, or the same key in another section. */
export function suggestion(path: KeyPath): string | undefined {
  const name = String(path.at(-1));
  const parent = nodeAt(path.slice(0, -1));
  const siblings = isSection(parent) ? Object.keys(parent.properties) : [];
  const sibling = nearest(name, siblings);
  if (sibling !== undefined) return `did you mean "${sibling}"?`;
  const elsewhere = spell(sameNameElsewhere(name) ?? []);
  if (elsewhere !== "") return `did you mean "${elsewhere}"?`;
  return siblings.length > 0 && siblings.length <= 6 ? `known keys: ${siblings.join(", ")}` : undefined;
}

function sameNameElsewhere(name: string): KeyPath | undefined {
  const own = nodeAt(["astune"]);
  const known = [...leaves(own, ["astune"])].map((leaf) => leaf.path);
  for (const section of Object.keys(own?.properties ?? {})) known.push(["astune", section]);
  const exact = known.filter((path) => path.at(-1) === name);
  if (exact.length > 0) return exact[0];
  const near = nearest(name, new Set(known.map((path) => String(path.at(-1)))));
  return known.find((path) => path.at(-1) === near);
}
