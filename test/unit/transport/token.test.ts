import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AuthenticationError } from "../../../runtime/errors/index.ts";
import { ensureToken, findToken, isSameToken, tokenVariable } from "../../../runtime/transport/index.ts";

describe("the token", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "astune-token-"));
    vi.stubEnv(tokenVariable, "");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  test("is made once, and kept for its user alone", () => {
    const file = join(folder, "state", "token");
    expect(findToken(file)).toBeUndefined();
    const token = ensureToken(file);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "state")).mode & 0o777).toBe(0o700);
    expect([ensureToken(file), findToken(file)]).toEqual([token, token]);
  });

  test("of the environment goes before that of a file", () => {
    const file = join(folder, "token");
    ensureToken(file);
    vi.stubEnv(tokenVariable, "given");
    expect(findToken(file)).toBe("given");
  });

  test.each([0o640, 0o604, 0o666, 0o610])("in a file of mode %o is refused", (mode) => {
    const file = join(folder, "token");
    writeFileSync(file, "secret");
    chmodSync(file, mode);
    expect(() => findToken(file)).toThrow(AuthenticationError);
    expect(() => findToken(file)).toThrow(/run chmod 600/);
  });

  test("is compared as a whole, whatever the lengths", () => {
    const token = "0123456789abcdef";
    expect(isSameToken(token, token)).toBe(true);
    for (const other of ["", "0", token.slice(1), `${token}0`, "0123456789abcdeF", "é".repeat(8)]) {
      expect(isSameToken(other, token)).toBe(false);
    }
  });
});
