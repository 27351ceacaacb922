/** Counts the GPUs that this process may use, without starting a program. */

import { readdir } from "node:fs/promises";

/** NVIDIA devices of this machine, or as many as `CUDA_VISIBLE_DEVICES` leaves. */
export async function visibleGpus(): Promise<number> {
  const found = (await readdir("/dev").catch(() => [])).filter((name) => /^nvidia\d+$/.test(name)).length;
  const listed = process.env["CUDA_VISIBLE_DEVICES"];
  if (listed === undefined) return found;
  return Math.min(found, listed.split(",").filter((id) => id.trim() !== "" && id.trim() !== "-1").length);
}
