// Which GPUs a machine has, by the names that users ask for them: `H100`, `A100`, `T4`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const driverFolder = "/proc/driver/nvidia/gpus";

/** `H100` of `NVIDIA H100 80GB HBM3`: the first word of capitals and digits after the maker's, as in Ray. */
export function acceleratorTypeOf(model: string): string | undefined {
  return /\w+\s+([A-Z0-9]+)\b/.exec(model)?.[1];
}

/** The type of the machine's first GPU, as its driver names it; undefined where there is none. */
export function findAcceleratorType(folder = driverFolder): string | undefined {
  try {
    const [first] = readdirSync(folder).sort();
    const facts = first === undefined ? "" : readFileSync(join(folder, first, "information"), "utf8");
    const model = /^Model:\s*(.+)$/m.exec(facts)?.[1];
    return model === undefined ? undefined : acceleratorTypeOf(model);
  } catch {
    return undefined;
  }
}
