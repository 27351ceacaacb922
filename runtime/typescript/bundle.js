// Programs as one file each, so that a process is there in half the time: it reads one file in place of two hundred, and
// starts no thread to strip types. A bundle is made anew when a source is newer than it is.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packageFolder = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(packageFolder, "runtime", "bundles");
const sources = ["runtime", "proto", "configs"].map((name) => join(packageFolder, name));

/** What a bundle cannot hold: packages with compiled parts, which load them from beside their own files. */
const external = ["lmdb", "koffi", "msgpackr-extract", "amaro", "esbuild"];

/** Modules of configs/ only define things: what a program does not use of them (the schema, say) it does not carry. */
const unusedConfigs = {
  name: "unused-configs",
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path);
      return file.startsWith(join(packageFolder, "configs")) ? { path: file, sideEffects: false } : undefined;
    });
  },
};

// Bundled packages that are CommonJS ask for Node's own modules with `require`.
const banner =
  'import { createRequire as astuneRequire } from "node:module"; const require = astuneRequire(import.meta.url);';

/**
 * The file that holds `entry` (a TypeScript file) and all it imports; it exports what `entry` does. Undefined where
 * bundles cannot be made here (no bundler, or a folder that cannot be written): the sources run as they are then.
 */
export async function bundleOf(entry) {
  const file = join(folder, `${entry.slice(packageFolder.length).replaceAll(/[^a-zA-Z0-9]+/g, "-")}.js`);
  try {
    if (existsSync(file) && statSync(file).mtimeMs > newest([...sources, dirname(entry)])) return file;
    const { build } = await import("esbuild");
    mkdirSync(folder, { recursive: true });
    const beside = `${file}.${process.pid}`;
    await build({
      entryPoints: [entry],
      outfile: beside,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      logLevel: "silent",
      banner: { js: banner },
      external,
      plugins: [unusedConfigs],
    });
    renameSync(beside, file);
    return file;
  } catch {
    rmSync(`${file}.${process.pid}`, { force: true });
    return undefined;
  }
}

/** The newest time of a source below these folders. */
function newest(folders) {
  let time = 0;
  for (const place of folders) {
    for (const item of readdirSync(place, { withFileTypes: true })) {
      if (item.name === "bundles" || item.name === "__pycache__" || item.name === "node_modules") continue;
      const path = join(place, item.name);
      if (item.isDirectory()) time = Math.max(time, newest([path]));
      else if (/\.(ts|js)$/.test(item.name)) time = Math.max(time, statSync(path).mtimeMs);
    }
  }
  return time;
}
