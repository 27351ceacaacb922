/** What zod found wrong, as lines for the user. */

import type { z } from "zod";
import type { KeyPath } from "./key-tree.ts";
import { isSection, nodeAt, spell } from "./key-tree.ts";
import { nearest, suggestion } from "./nearest.ts";
import { expectedPhrase, foundPhrase } from "./phrases.ts";

/** Something wrong at a key. */
export interface Problem {
  readonly path: KeyPath;
  readonly expected: string;
  readonly found: string;
  readonly fix?: string;
}

/** One problem for each wrong value and each unknown key. */
export function problemsOf(error: z.ZodError | undefined): Problem[] {
  return (error?.issues ?? []).flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
    if (issue.code === "unrecognized_keys") return issue.keys.map((name) => unknownKey([...path, name]));
    return [wrongValue(path, issue.input)];
  });
}

function unknownKey(path: KeyPath): Problem {
  const fix = suggestion(path);
  const problem = { path, expected: "a known key", found: JSON.stringify(String(path.at(-1))) };
  return fix === undefined ? problem : { ...problem, fix };
}

function wrongValue(path: KeyPath, input: unknown): Problem {
  const node = nodeAt(path);
  const problem = { path, expected: expectedPhrase(node), found: foundPhrase(input) };
  const choices = node?.enum ?? node?.anyOf?.flatMap((option) => option.enum ?? []) ?? [];
  const near = typeof input === "string" ? nearest(input, choices.map(String)) : undefined;
  if (near !== undefined) return { ...problem, fix: `did you mean "${near}"?` };
  if (!isSection(node)) return problem;
  return { ...problem, fix: `its keys start with ${spell([...path, Object.keys(node.properties)[0] ?? ""])}` };
}
