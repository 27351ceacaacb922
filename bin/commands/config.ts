/** `astune config show` and `astune config check`. */

import { checkInputs, loadConfig } from "../../configs/index.ts";

/** Where a line for people goes. */
export type Print = (line: string) => void;

/** Prints the file with every default filled in, as YAML; warnings stand before it as comments. Throws what is wrong. */
export async function showConfig(
  path: string,
  options: { readonly set?: readonly string[] },
  print: Print,
): Promise<void> {
  const loaded = await loadConfig(path, options);
  for (const warning of loaded.warnings) print(`# warning: ${warning}`);
  print(loaded.expandedYaml().trimEnd());
}

/** Prints "ok" after the warnings. Throws what is wrong, a missing model or data set too. */
export async function checkConfig(path: string, print: Print): Promise<void> {
  const loaded = await loadConfig(path);
  for (const warning of loaded.warnings) print(`warning: ${warning}`);
  checkInputs(loaded.config, loaded.where);
  print("ok");
}
