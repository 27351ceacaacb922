// The module hooks behind index.js. They also let a workflow outside this package import "astune", and keep what they made
// of a file for the next process.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = import.meta.url;
/** Part of every key: change it with what the hooks make of a file. */
const version = "1";
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "astune", "stripped");
let aliases = new Map();
let packages;
let strip;

/** `aliases`: modules in whose place others are loaded, by URL. `packages`: see register.js. */
export async function initialize(data) {
  aliases = new Map(Object.entries(data?.aliases ?? {}));
  packages = data?.packages;
}

export async function resolve(specifier, context, next) {
  const own = specifier === "astune" || specifier.startsWith("astune/");
  const found = await next(specifier, own ? { ...context, parentURL: here } : context).catch((error) => {
    const isPackage = error?.code === "ERR_MODULE_NOT_FOUND" && /^[^./]/.test(specifier) && !specifier.includes(":");
    if (!isPackage || packages === undefined) throw error;
    return next(specifier, { ...context, parentURL: packages }).catch(() => {
      throw error;
    });
  });
  const alias = aliases.get(found.url);
  return alias === undefined ? found : { url: alias, format: "module", shortCircuit: true };
}

export async function load(url, context, next) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== "file:" || !pathname.endsWith(".ts")) return next(url, context);
  const file = fileURLToPath(url);
  const { mtimeMs, size } = statSync(file);
  const kept = join(cache, createHash("sha256").update([version, file, mtimeMs, size].join("|")).digest("hex"));
  const source = read(kept) ?? (await stripped(file, url, kept));
  return { format: "module", shortCircuit: true, source };
}

async function stripped(file, url, kept) {
  strip ??= (await import("amaro")).transformSync;
  const { code } = strip(readFileSync(file, "utf8"), { mode: "strip-only", filename: file });
  const source = `${code}\n\n//# sourceURL=${url}`;
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    writeFileSync(`${kept}.${process.pid}`, source, { mode: 0o600 });
    renameSync(`${kept}.${process.pid}`, kept);
  } catch {
    // A folder that cannot be written only costs time.
  }
  return source;
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
