/** `default.yaml`: every key that has an effect, with its default and what it means. */

import { stringify } from "yaml";
import type { KeyNode } from "./key-tree.ts";
import { isSection, nodeAt } from "./key-tree.ts";

/** Stand-ins for the two keys that have no default. */
const REQUIRED: Readonly<Record<string, string>> = {
  path: "/path/to/the/model",
  agentscope_learn_protocol: "tutorial.example_math_agent.math_agent->ExampleMathLearn",
};

/** The file's text. */
export function defaultYamlText(): string {
  const astune = nodeAt(["astune"]);
  if (astune === undefined) throw new Error("the schema has no astune section");
  const lines = [
    "# yaml-language-server: $schema=./astune.schema.json",
    "# Every setting with its default. Written by configs/generate.ts; docs/configuration.md is the same as tables.",
    "# Two keys have no default and must be given: model.path and rollout.agentscope_learn_protocol.",
    "astune:",
    ...keysOf(astune, "  "),
  ];
  return `${lines.join("\n")}\n`;
}

function keysOf(node: KeyNode, indent: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    if (child.noEffect !== undefined || (isSection(child) && !hasEffect(child))) return [];
    const comment = `${indent}# ${commentOf(child)}`;
    if (isSection(child)) return ["", comment, `${indent}${name}:`, ...keysOf(child, `${indent}  `)];
    const value = child.default === undefined ? REQUIRED[name] : child.default;
    const text = stringify(value, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false }).trim();
    return [comment, `${indent}${name}: ${text}`];
  });
}

function hasEffect(section: KeyNode): boolean {
  return Object.values(section.properties ?? {}).some((child) =>
    isSection(child) ? child.noEffect === undefined && hasEffect(child) : child.noEffect === undefined,
  );
}

function commentOf(node: KeyNode): string {
  const notes = [
    node.description ?? "",
    node.unit === undefined ? undefined : `Unit: ${node.unit}.`,
    node.enum === undefined || node.enum.length < 2 ? undefined : `One of ${node.enum.join(", ")}.`,
    node.defaultNote === undefined ? undefined : `null: ${node.defaultNote}.`,
    node.onlyOn === undefined ? undefined : `On the ${node.onlyOn} backbone.`,
  ];
  return notes.filter((note) => note !== undefined).join(" ");
}
