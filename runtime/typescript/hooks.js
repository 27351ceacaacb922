// The module hooks behind index.js. They also let a workflow outside this package import "astune".
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transformSync } from "amaro";

const here = import.meta.url;

export async function resolve(specifier, context, next) {
  const own = specifier === "astune" || specifier.startsWith("astune/");
  return next(specifier, own ? { ...context, parentURL: here } : context);
}

export async function load(url, context, next) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== "file:" || !pathname.endsWith(".ts")) return next(url, context);
  const source = await readFile(fileURLToPath(url), "utf8");
  const { code } = transformSync(source, { mode: "strip-only", filename: fileURLToPath(url) });
  return { format: "module", shortCircuit: true, source: `${code}\n\n//# sourceURL=${url}` };
}
