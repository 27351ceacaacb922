// How much memory a store may take.
import { statfsSync } from "node:fs";
import { totalmem } from "node:os";
import { InvalidOptionError } from "../errors/index.ts";

const share = 0.3;

/**
 * The capacity asked for, else 30 % of this machine's or container's memory, at most what is free in `root`. Throws
 * InvalidOptionError where more is asked for than is free.
 */
export function storeCapacity(root: string, asked: number | undefined): number {
  const { bavail, bsize } = statfsSync(root);
  const freeBytes = bavail * bsize;
  if (asked === undefined) return Math.floor(Math.min(share * memoryBytes(), freeBytes));
  if (Number.isSafeInteger(asked) && asked > 0 && asked <= freeBytes) return asked;
  const expected = `a whole number of bytes from 1 to the ${freeBytes} free in ${root}`;
  throw InvalidOptionError.of("capacityBytes", expected, asked);
}

function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit ? Math.min(limit, totalmem()) : totalmem();
}
