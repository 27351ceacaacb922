// Generates proto/gen from the .proto files, when one of them (or this file) is newer than what is there. Run by the
// build with plain Node: `node proto/generate.js`.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const gen = join(here, "gen");
const sources = readdirSync(here).filter((name) => name.endsWith(".proto"));
const pbjs = createRequire(import.meta.url).resolve("protobufjs-cli/bin/pbjs");
const flags = ["-t", "static-module", "-w", "esm", "--dts", "--no-verify", "--no-delimited", "--no-typeurl"];

mkdirSync(gen, { recursive: true });
for (const source of sources) {
  const name = source.replace(/\.proto$/, "");
  const outputs = [join(gen, `${name}.js`), join(gen, `${name}.d.ts`)];
  const newest = Math.max(
    ...[join(here, source), fileURLToPath(import.meta.url)].map((file) => statSync(file).mtimeMs),
  );
  if (outputs.every((file) => existsSync(file) && statSync(file).mtimeMs >= newest)) continue;
  // Written beside and moved into place, so that nothing ever imports half a file.
  const beside = join(gen, `.${process.pid}-${name}`);
  execFileSync(process.execPath, [pbjs, ...flags, "--root", name, "-o", `${beside}.js`, join(here, source)], {
    stdio: "inherit",
  });
  for (const [index, extension] of [".js", ".d.ts"].entries()) renameSync(`${beside}${extension}`, outputs[index]);
  console.log(`proto: generated gen/${name}.js`);
}
