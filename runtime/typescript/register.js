// Registers the module hooks, once in a process.
import { register } from "node:module";

let registered = false;

/**
 * From now on this process can import TypeScript. `aliases`: modules in whose place others are loaded, by URL. `packages`:
 * a folder, as URL, from which packages are looked for that are not found otherwise.
 */
export function registerTypescript(aliases = {}, packages = undefined) {
  if (registered) return;
  registered = true;
  // Wherever this code is bundled to, it lies in a folder of runtime/.
  register(new URL("../typescript/hooks.js", import.meta.url), { data: { aliases, packages } });
}
