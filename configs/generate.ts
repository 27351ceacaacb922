/** Writes what is made from the schema: the JSON schema, the default YAML and the reference page. Run it after a change. */

import { writeFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { defaultYamlText } from "./default-yaml.ts";
import { jsonSchemaText } from "./json-schema.ts";
import { referencePageText } from "./reference-page.ts";

/** Each generated file: its path from the repository's root, and its text. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    "configs/astune.schema.json": jsonSchemaText(),
    "configs/default.yaml": defaultYamlText(),
    "docs/configuration.md": referencePageText(),
  };
}

const file = fileURLToPath(import.meta.url);
if (argv[1] === file) {
  for (const [path, text] of Object.entries(generatedFiles())) {
    writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
    console.log(`wrote ${path}`);
  }
}
