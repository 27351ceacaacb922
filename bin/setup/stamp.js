// Remembers what was installed: a step is done again only when the files that it was made from have changed.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Runs `install` unless `stampFile` says that it succeeded with the same content of `sources`. */
export async function once(stampFile, sources, install) {
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  const digest = hash.digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === digest) return false;
  await install();
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, digest);
  return true;
}
