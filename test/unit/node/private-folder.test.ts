import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { privateFolder } from "../../../runtime/node/private-folder.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "astune-private-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a folder is made that only its user can enter, and taken again", () => {
  const folder = join(root, "one");
  expect(privateFolder(folder)).toBe(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(privateFolder(folder)).toBe(folder);
});

test("one that is open to others, or only looks like a folder, is refused", () => {
  const open = join(root, "open");
  mkdirSync(open);
  chmodSync(open, 0o755);
  expect(() => privateFolder(open)).toThrow(/expected a folder of this user's with mode 0700/);
  const link = join(root, "link");
  symlinkSync(privateFolder(join(root, "target")), link);
  expect(() => privateFolder(link)).toThrow(/expected a folder/);
});

test.skipIf(process.getuid?.() !== 0)("another user's is refused", () => {
  const folder = privateFolder(join(root, "theirs"));
  chownSync(folder, 12_345, 12_345);
  expect(() => privateFolder(folder)).toThrow(/expected a folder of this user's/);
});
