/** `astune doctor`: what is on this machine, what is missing, and how to get it. */

import { cwd } from "node:process";
import { pythonPath } from "../../actors/learner/index.ts";
import { tokenFile } from "../../runtime/processes/index.ts";
import type { Print } from "./config.ts";
import { checkBubblewrap, checkChromium, checkDisk, checkNode, checkPort, checkSharedMemory } from "./doctor-checks.ts";
import { checkHead, checkToken } from "./doctor-cluster.ts";
import { checkPython } from "./doctor-python.ts";
import { tableOf } from "./doctor-table.ts";

const LOGVIEW_PORT = 8181;
const CANNOT_RUN = 2;

/** Looks at everything and prints a table. Returns the exit code: 0 where a run can start, else 2. */
export async function doctor(print: Print): Promise<number> {
  const groups = await Promise.all([
    [checkNode(process.versions.node)],
    checkPython(pythonPath),
    checkBubblewrap(),
    checkChromium(),
    checkDisk(cwd()),
    checkSharedMemory("/dev/shm"),
    checkPort(LOGVIEW_PORT, "logview"),
    [checkToken(tokenFile())],
    checkHead(),
  ]);
  const findings = groups.flat();
  print(tableOf(findings));
  const blocking = findings.filter((finding) => finding.state === "missing" && finding.needed);
  print(
    blocking.length === 0
      ? "A run can start."
      : `A run cannot start without: ${blocking.map((finding) => finding.name).join(", ")}.`,
  );
  return blocking.length === 0 ? 0 : CANNOT_RUN;
}
