/** Whatever a key is misnamed, and wherever it stands, it is reported with its line. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { KEY_ALIASES } from "../../../configs/aliases.ts";
import { ConfigError, loadConfig } from "../../../configs/index.ts";
import { isSection, type KeyNode, keyTree, own } from "../../../configs/key-tree.ts";
import { yamlFolder } from "./yaml-folder.ts";

const { write } = yamlFolder();

function* sections(node: KeyNode, path: string[]): Generator<string[]> {
  yield path;
  for (const [name, child] of Object.entries(node.properties ?? {}))
    if (isSection(child)) yield* sections(child, [...path, name]);
}

const everySection = [...sections(keyTree, [])];

test("an unknown key in any section is reported with its line and its whole path", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...everySection),
      fc.string({ minLength: 1, maxLength: 20 }),
      async (section, name) => {
        fc.pre(!isKnown([...section, name]));
        const path = write("property.yaml", textWith(section, name));
        const error = await loadConfig(path).catch((reason: unknown) => reason);
        if (!(error instanceof ConfigError)) throw error instanceof Error ? error : new Error("the file was taken");
        const where = `${path}:${2 * (section.length + 1)}: ${[...section, name].join(".")}`;
        const found = error.problems.find((problem) => problem.where === where);
        expect(found, error.message).toMatchObject({ expected: "a known key", found: JSON.stringify(name) });
      },
    ),
    { numRuns: 150 },
  );
});

/** A file with the key in its section, each level on two lines: a comment and the key. */
function textWith(section: readonly string[], name: string): string {
  const lines = [...section, name].map((step, depth) => {
    const key = stringify(step, { defaultStringType: "QUOTE_DOUBLE", lineWidth: 0 }).trim();
    const indent = "  ".repeat(depth);
    return `${indent}# level ${depth}\n${indent}${key}:${depth === section.length ? " 1" : ""}`;
  });
  const rest = section[0] === "astune" ? [] : ["astune: {}"];
  return `${[...lines, ...rest].join("\n")}\n`;
}

function isKnown(path: readonly string[]): boolean {
  let node: KeyNode | undefined = keyTree;
  for (const step of path) node = own(node?.properties, step);
  return node !== undefined || Object.hasOwn(KEY_ALIASES, path.join(".")) || path.at(-1) === "<<";
}
