// The files of a folder that is to be sent, without those that are excluded.
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { RuntimeEnvSetupError } from "../errors/index.ts";

/** One file, or a link within the folder. */
export interface FolderFile {
  /** From the folder, with `/`. */
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  /** Where it points, as it stands in the link. */
  readonly link?: string;
}

/** Never sent, Ray's own. */
const always = [".git", ".venv", "venv", "__pycache__"];
/** Together, before they are compressed. */
export const mostBytes = 100 * 2 ** 20;

/**
 * The files in the order of their paths. Throws RuntimeEnvSetupError, in one line, where they are together too large, or
 * where one is neither a file, a folder nor a link that stays inside.
 */
export function folderFiles(folder: string, excludes: readonly string[]): FolderFile[] {
  const patterns = [...always, ...excludes].map(patternOf);
  const isExcluded = (path: string, isFolder: boolean) => patterns.some((excludesIt) => excludesIt(path, isFolder));
  const files: FolderFile[] = [];
  const walk = (inside: string): void => {
    for (const entry of readdirSync(join(folder, inside), { withFileTypes: true }).sort(byName)) {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      if (isExcluded(path, entry.isDirectory())) continue;
      if (entry.isDirectory()) walk(path);
      else files.push(fileAt(folder, path));
    }
  };
  walk("");
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total > mostBytes) throw tooLarge(folder, files, total);
  return files;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function fileAt(folder: string, path: string): FolderFile {
  const file = join(folder, path);
  const facts = lstatSync(file);
  const { mode, size } = facts;
  if (facts.isFile()) return { path, mode: mode & 0o777, size };
  if (!facts.isSymbolicLink()) throw refused(folder, `${path} is neither a file nor a folder`);
  const link = readlinkSync(file);
  const target = relative(folder, resolve(file, "..", link));
  if (target === ".." || target.startsWith(`..${sep}`)) throw refused(folder, `the link ${path} leads out of it`);
  return { path, mode: 0o777, size: 0, link };
}

function tooLarge(folder: string, files: readonly FolderFile[], total: number): RuntimeEnvSetupError {
  const sizes = new Map<string, number>();
  for (const { path, size } of files) {
    const top = path.split("/")[0] ?? path;
    sizes.set(top, (sizes.get(top) ?? 0) + size);
  }
  const largest = [...sizes].sort((a, b) => b[1] - a[1]).slice(0, 3);
  const named = largest.map(([name, size]) => `${name} ${megabytes(size)}`).join(", ");
  const message = `it has ${megabytes(total)} in ${files.length} files, at most ${megabytes(mostBytes)} are sent (the largest: ${named})`;
  return refused(folder, message);
}

function refused(folder: string, message: string): RuntimeEnvSetupError {
  return new RuntimeEnvSetupError(`workingDir ${folder}: ${message}: name what is not needed in runtimeEnv.excludes`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** A line of a `.gitignore`, without `!`: `*` and `?` within a name, `**` across names, `/` at the end for folders. */
function patternOf(line: string): (path: string, isFolder: boolean) => boolean {
  const onlyFolders = line.endsWith("/");
  const text = onlyFolders ? line.slice(0, -1) : line;
  const anchored = text.includes("/");
  const source = text
    .replace(/^\//, "")
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll(/\*\*\/|\*\*|\*|\?/g, (mark) => ({ "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*" })[mark] ?? "[^/]");
  const expression = new RegExp(`^${anchored ? "" : "(?:.*/)?"}${source}$`);
  return (path, isFolder) => (isFolder || !onlyFolders) && expression.test(path);
}
