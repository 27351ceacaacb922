/** A temporary folder with YAML files for the tests of the configuration. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

/** The smallest file that is right. */
export const SMALLEST = `astune:
  model:
    path: models/tiny
  rollout:
    agentscope_learn_protocol: agents.math->MathAgent
`;

/** Makes a folder that is removed after the file's tests; `write` puts a file there and gives its path. */
export function yamlFolder(): { folder: string; write(name: string, text: string): string } {
  const folder = mkdtempSync(join(tmpdir(), "astune-configs-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    write(name, text) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
  };
}

/** The lines of the error that `promise` rejects with. */
export async function linesOf(promise: Promise<unknown>): Promise<string[]> {
  const error = await promise.then(
    () => new Error("nothing was wrong"),
    (reason: unknown) => reason as Error,
  );
  return error.message.split("\n");
}
