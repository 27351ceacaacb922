// A folder as one block of bytes: gzip of a mark, the length of a list of the files (u32, little-endian), the list as
// JSON, and the files' contents one after another.
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { RaySystemError } from "../errors/index.ts";
import { type FolderFile, folderFiles, mostBytes } from "./folder-files.ts";

const mark = Buffer.from("astune-package-1");
/** More than the contents may have: the list of files. */
const mostListBytes = 64 * 2 ** 20;

/** The package and its id, the SHA-256 of its bytes. Throws RuntimeEnvSetupError where the folder cannot be sent. */
export function packFolder(
  folder: string,
  excludes: readonly string[],
): { readonly id: string; readonly bytes: Buffer } {
  const files = folderFiles(folder, excludes);
  const contents = files.map(({ path, link }) =>
    link === undefined ? readFileSync(join(folder, path)) : Buffer.alloc(0),
  );
  // What was read counts: a file may have grown meanwhile.
  const list = files.map((file, index): FolderFile => ({ ...file, size: contents[index]?.length ?? 0 }));
  const head = Buffer.from(JSON.stringify(list));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  const bytes = gzipSync(Buffer.concat([mark, length, head, ...contents]), { level: 1 });
  return { id: packageId(bytes), bytes };
}

export function packageId(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Writes the files of a package into a folder that is not there yet. Throws RaySystemError where it is none. */
export function unpackFolder(bytes: Uint8Array, folder: string): void {
  const all = gunzipSync(bytes, { maxOutputLength: mostBytes + mostListBytes });
  if (!all.subarray(0, mark.length).equals(mark)) throw new RaySystemError("these bytes are not a package");
  const start = mark.length + 4;
  const end = start + all.readUInt32LE(mark.length);
  const files = JSON.parse(all.subarray(start, end).toString()) as FolderFile[];
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let at = end;
  for (const { path, mode, size, link } of files) {
    const file = join(folder, inside(path));
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (link !== undefined) {
      inside(join(dirname(path), link));
      symlinkSync(link, file);
      continue;
    }
    writeFileSync(file, all.subarray(at, at + size));
    chmodSync(file, mode & 0o777);
    at += size;
  }
}

/** The path, which must stay in its folder. */
function inside(path: string): string {
  const clean = normalize(path);
  if (isAbsolute(clean) || clean === ".." || clean.startsWith("../")) {
    throw new RaySystemError(`a package names ${path}, which is outside of its folder`);
  }
  return clean;
}
