/** Where large files lie for a moment. */

import { access, constants } from "node:fs/promises";
import { tmpdir } from "node:os";

/** Shared memory where the system has it, else the temporary folder. */
export async function scratchFolder(): Promise<string> {
  return access("/dev/shm", constants.W_OK).then(
    () => "/dev/shm",
    () => tmpdir(),
  );
}
