// Installs the pinned Node packages and generates the wire code from proto/.
import { join } from "node:path";
import { run } from "./command.js";
import { say, stop } from "./log.js";
import { once } from "./stamp.js";

/** Node packages of package-lock.json, then proto/gen. */
export async function installNodePackages(root) {
  const [major] = process.versions.node.split(".").map(Number);
  if (major < 20) stop(`Node 20 or newer is needed, this is ${process.versions.node}`);
  const lock = join(root, "package-lock.json");
  await once(join(root, "node_modules", ".astune-stamp"), [lock], async () => {
    say("installing the Node packages of package-lock.json");
    const status = await run("npm", ["ci", "--loglevel=error"], { cwd: root });
    if (status !== 0) stop(`npm ci ended with status ${status}; its lines above say why`);
  });
  const status = await run(process.execPath, ["proto/generate.js"], { cwd: root });
  if (status !== 0) stop("the code of proto/ could not be generated; the lines above say why");
}
