/** `docs/configuration.md`: the reference of all keys, one table for each section. */

import { KEY_ALIASES, VALUE_ALIASES } from "./aliases.ts";
import type { KeyNode, KeyPath } from "./key-tree.ts";
import { isSection, keyTree, leaves, nodeAt, spell } from "./key-tree.ts";
import { expectedPhrase } from "./phrases.ts";

const INTRODUCTION = `# Configuration

<!-- Written by configs/generate.ts from the schema. Change the schema, then run \`node --import ./runtime/typescript/index.js configs/generate.ts\`. -->

A run is described by one YAML file. Everything stands under \`astune:\`. Two keys must be given,
\`model.path\` and \`rollout.agentscope_learn_protocol\`; every other has a default. This is a whole file:

\`\`\`yaml
# yaml-language-server: $schema=../configs/astune.schema.json
astune:
  task_reader:
    type: huggingface_dat_repo
    huggingface_dat_repo:
      dataset_path: openai/gsm8k
      validation_split: test
  rollout:
    agentscope_learn_protocol: tutorial.example_math_agent.math_agent->ExampleMathLearn
  task_judge:
    judge_protocol: astune.task_judge.math_answer_as_judge->MathAnswerAsJudge
  model:
    path: /path/to/the/model
\`\`\`

- \`astune config check FILE\` says whether a file is right; \`astune config show FILE\` prints it with every default filled in.
  Each experiment's folder keeps that as \`config.yaml\`.
- \`--set key=value\` on the command line changes a key; the value is YAML, and the leading \`astune.\` may be left out:
  \`--set rollout.num_repeat=8\`. Later ones win over earlier ones, and all of them over the file.
- What is wrong is told with its line: \`math.yaml:7: astune.rollout.num_repet: expected a known key, got "num_repet" (did you
  mean "num_repeat"?)\`. All problems are told at once, and the exit code is 2.
- A relative path (\`model.path\`, files and folders of tasks, \`experiment_dir\`) is looked up from the YAML's folder; where nothing
  is there, it counts from the working folder.
- Anchors, aliases and merge keys (\`<<: *base\`) of YAML work.
- The file \`configs/astune.schema.json\` makes an editor complete and check the keys: name it in the first line, as above.
- Keys of the upstream system that change nothing here are still checked. A file that gives one gets a warning with the reason.

The column *effect* says whether a key changes anything: *yes*, *debug* or *trinity* (on that backbone only), or *no* and why.
`;

/** The page's text. */
export function referencePageText(): string {
  const parts = [INTRODUCTION];
  for (const { path, node, dead } of sections(nodeAt(["astune"]), ["astune"]))
    parts.push(sectionText(path, node, dead));
  parts.push(topLevelText(), spellingsText());
  return parts.join("\n");
}

function* sections(
  node: KeyNode | undefined,
  path: KeyPath,
  dead?: string,
): Generator<{ path: KeyPath; node: KeyNode; dead: string | undefined }> {
  if (node === undefined) return;
  const reason = node.noEffect ?? dead;
  yield { path, node, dead: reason };
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    if (isSection(child)) yield* sections(child, [...path, name], reason);
  }
}

function sectionText(path: KeyPath, node: KeyNode, dead: string | undefined): string {
  const rows = Object.entries(node.properties ?? {})
    .filter(([, child]) => !isSection(child))
    .map(([name, child]) => row(name, child, dead));
  const nested = Object.keys(node.properties ?? {}).filter((name) => isSection(node.properties?.[name]));
  const lines = [`${"#".repeat(Math.min(path.length + 1, 4))} ${spell(path)}`, "", node.description ?? ""];
  if (dead !== undefined) lines.push("", `No key of this section has an effect: ${dead}.`);
  if (nested.length > 0) lines.push("", `Sections: ${nested.map((name) => `\`${name}\``).join(", ")}.`);
  if (rows.length > 0) {
    lines.push("", "| key | holds | default | meaning | effect |", "| --- | --- | --- | --- | --- |", ...rows);
  }
  return `${lines.join("\n")}\n`;
}

function row(name: string, node: KeyNode, dead: string | undefined): string {
  const unit = node.unit === undefined ? "" : `, in ${node.unit}`;
  const cells = [
    `\`${name}\``,
    `${expectedPhrase(node)}${unit}`,
    defaultText(node),
    node.description ?? "",
    effect(node, dead),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultText(node: KeyNode): string {
  if (node.defaultNote !== undefined) return node.defaultNote;
  return node.default === undefined ? "none: must be given" : `\`${JSON.stringify(node.default)}\``;
}

function effect(node: KeyNode, dead: string | undefined): string {
  const reason = node.noEffect ?? (dead === undefined ? undefined : "see above");
  return reason === undefined ? (node.onlyOn ?? "yes") : `no: ${reason}`;
}

function topLevelText(): string {
  const others = Object.entries(keyTree.properties ?? {}).filter(([name]) => name !== "astune");
  const lines = [
    "## Beside `astune:`",
    "",
    "Upstream's files have further keys at their top. They are checked and change nothing.",
    "",
  ];
  for (const [name, node] of others) {
    lines.push(`- \`${name}\`: ${node.description ?? ""} No effect: ${node.noEffect ?? ""}.`);
  }
  const trinity = [...leaves(nodeAt(["trinity"]), [])].map(({ path }) => `\`${spell(path)}\``);
  return `${[...lines, "", `Keys of \`trinity\`: ${trinity.join(", ")}.`].join("\n")}\n`;
}

function spellingsText(): string {
  const lines = [
    "## Other spellings",
    "",
    "Upstream's versions name some keys and values differently. Both spellings load.",
    "",
  ];
  lines.push("| also accepted | is |", "| --- | --- |");
  for (const [alias, name] of Object.entries(KEY_ALIASES)) lines.push(`| \`${alias}\` | \`${name}\` |`);
  for (const [name, values] of Object.entries(VALUE_ALIASES)) {
    for (const [alias, value] of Object.entries(values))
      lines.push(`| \`${name}: ${alias}\` | \`${name}: ${value}\` |`);
  }
  return `${lines.join("\n")}\n`;
}
