/** The checks of `astune doctor` around a cluster: the token, and the head that commands would ask. */

import { statSync } from "node:fs";
import { connectHead, headTarget } from "../../runtime/client/index.ts";
import type { NodeInfo } from "../../runtime/index.ts";
import type { Finding } from "./doctor-checks.ts";

const TIMEOUT_MS = 3_000;

/** The token file: there, and for its user's eyes only. */
export function checkToken(file: string): Finding {
  const facts = { name: "token file", needed: false } as const;
  let mode: number;
  try {
    mode = statSync(file).mode & 0o777;
  } catch {
    const advice = "only a cluster needs it: astune-head start makes one; on other machines, copy the head's there";
    return { ...facts, state: "missing", found: `none at ${file}`, advice };
  }
  const octal = mode.toString(8).padStart(4, "0");
  const found = `${file}, mode ${octal}`;
  if ((mode & 0o077) === 0) return { ...facts, state: "ok", found };
  return { ...facts, state: "missing", found, advice: `others may read it, so it is not used: chmod 600 ${file}` };
}

/** The head of ASTUNE_ADDRESS, or of this machine: whether it answers, and with how many nodes. */
export async function checkHead(
  options: { readonly address?: string; readonly tokenFile?: string } = {},
): Promise<Finding> {
  const facts = { name: "head", needed: false } as const;
  const advice = "only the trinity backbone needs one: astune-head start; astune-worker join";
  try {
    const target = headTarget(options);
    if (target === undefined) return { ...facts, state: "missing", found: "none here, no ASTUNE_ADDRESS", advice };
    const head = await connectHead({ ...target, timeoutMs: TIMEOUT_MS });
    try {
      const nodes = (await head.ask("nodes", null)) as NodeInfo[];
      const alive = nodes.filter((node) => node.alive).length;
      return { ...facts, state: "ok", found: `answers at ${target.address}, ${alive} nodes alive` };
    } finally {
      head.close();
    }
  } catch (error) {
    return { ...facts, state: "missing", found: error instanceof Error ? error.message : String(error), advice };
  }
}
