// A folder that only its user can enter.
import { lstatSync, mkdirSync } from "node:fs";
import { RaySystemError } from "../errors/index.ts";

/** Makes the folder, or takes the one that is there. Throws RaySystemError where it is another user's, or open to others. */
export function privateFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = lstatSync(folder);
  const isFolder = (mode & 0o170000) === 0o040000;
  if (isFolder && uid === process.getuid?.() && (mode & 0o077) === 0) return folder;
  throw new RaySystemError(
    `${folder}: expected a folder of this user's with mode 0700: remove it, or set TMPDIR to another place`,
  );
}
