// The cluster's token: whoever has it may join, everybody else is turned away. It lies in a file that only its user may
// read, or in an environment variable.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { AuthenticationError } from "../errors/index.ts";

export const tokenVariable = "ASTUNE_AUTH_TOKEN";

/**
 * The token of `ASTUNE_AUTH_TOKEN`, else of the file; undefined where there is neither. Throws AuthenticationError
 * where the file may be read by others.
 */
export function findToken(file: string): string | undefined {
  const given = process.env[tokenVariable];
  if (given !== undefined && given !== "") return given;
  let text: string;
  try {
    const mode = statSync(file).mode & 0o077;
    if (mode !== 0) {
      throw new AuthenticationError(`${file}: expected mode 0600, others may read it: run chmod 600 ${file}`);
    }
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (text === "")
    throw new AuthenticationError(`${file}: expected a token, it is empty: delete it, then start the head`);
  return text;
}

/** The token that is there, or a new one, written to the file with mode 0600. */
export function ensureToken(file: string): string {
  const found = findToken(file);
  if (found !== undefined) return found;
  const token = randomBytes(32).toString("hex");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return token;
}

/** Compares in a time that tells nothing of where two tokens differ. */
export function isSameToken(given: string, token: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(token);
  // Unequal lengths are compared too, with something of equal length, so that the length is not told either.
  const same = timingSafeEqual(a.length === b.length ? a : b, b);
  return same && a.length === b.length;
}
