/** The JSON schema of a configuration file, for editors: the key tree, the other spellings, and nothing of our own notes. */

import { KEY_ALIASES, VALUE_ALIASES } from "./aliases.ts";
import type { KeyNode, KeyPath } from "./key-tree.ts";
import { isSection, keyTree, nodeAt, spell } from "./key-tree.ts";

type Json = Record<string, unknown>;

/** The schema as JSON text, draft 2020-12. */
export function jsonSchemaText(): string {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "astune configuration",
    ...forEditors(keyTree, [], false),
    required: ["astune"],
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function forEditors(node: KeyNode, path: KeyPath, dead: boolean): Json {
  const { unit, expects: _, noEffect, quietAt: _quiet, onlyOn, defaultNote, ...rest } = node;
  const without = dead || noEffect !== undefined;
  const json: Json = { ...rest };
  if (rest.minimum === Number.MIN_SAFE_INTEGER) delete json["minimum"];
  if (rest.maximum === Number.MAX_SAFE_INTEGER) delete json["maximum"];
  const description = [
    rest.description,
    unit === undefined ? undefined : `Unit: ${unit}.`,
    defaultNote === undefined ? undefined : `Default: ${defaultNote}.`,
    onlyOn === undefined ? undefined : `Read on the ${onlyOn} backbone.`,
    noEffect === undefined ? undefined : `Has no effect here: ${noEffect}.`,
  ].filter((part) => part !== undefined);
  if (description.length > 0) json["description"] = description.join(" ");
  if (without) json["deprecated"] = true;
  const spellings = VALUE_ALIASES[spell(path)];
  if (spellings !== undefined && rest.enum !== undefined) json["enum"] = [...rest.enum, ...Object.keys(spellings)];
  if (rest.anyOf !== undefined) json["anyOf"] = rest.anyOf.map((option) => forEditors(option, path, false));
  if (rest.items !== undefined) json["items"] = forEditors(rest.items, path, false);
  if (isSection(node)) {
    delete json["default"];
    json["type"] = path.length === 0 ? "object" : ["object", "null"];
    if (rest.required !== undefined)
      json["required"] = rest.required.filter((name) => !hasOtherSpelling([...path, name]));
    json["properties"] = { ...sectionKeys(node, path, without), ...otherSpellings(path) };
  }
  return json;
}

function sectionKeys(node: KeyNode, path: KeyPath, dead: boolean): Json {
  const entries = Object.entries(node.properties ?? {});
  return Object.fromEntries(entries.map(([name, child]) => [name, forEditors(child, [...path, name], dead)]));
}

function otherSpellings(path: KeyPath): Json {
  const keys: Json = {};
  for (const [alias, name] of Object.entries(KEY_ALIASES)) {
    const steps = alias.split(".");
    const target = nodeAt(name.split("."));
    if (steps.slice(0, -1).join(".") !== spell(path) || target === undefined) continue;
    const json = forEditors(target, name.split("."), false);
    keys[steps.at(-1) ?? ""] = { ...json, description: `Another spelling of \`${name}\`.`, deprecated: true };
  }
  return keys;
}

/** Such a key cannot be required by itself: its other spelling will do. */
function hasOtherSpelling(path: KeyPath): boolean {
  return Object.values(KEY_ALIASES).includes(spell(path));
}
