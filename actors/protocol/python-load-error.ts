/** Why a class of a Python file could not be had, in one line for the user. */

import { UserError } from "../../configs/index.ts";
import type { PythonSource } from "./load-class.ts";

const advice: readonly (readonly [pattern: RegExp, fix: string])[] = [
  [/No module named '(agentscope|pydantic)/, "run `npm run agentscope`, which installs it for workflows in Python"],
  [
    /No module named '(grpc|msgpack|numpy)/,
    "run `npm run agentscope`, or set ASTUNE_HOST_PYTHON to a Python that has it",
  ],
  [/could not be started/, "install Python 3.11, or name it in ASTUNE_HOST_PYTHON"],
];

/** `error` is what the Python process's start rejected with. */
export function pythonLoadError({ module, className }: PythonSource, error: unknown): UserError {
  const found = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ").slice(0, 1000);
  const fix = advice.find(([pattern]) => pattern.test(found))?.[1];
  const problem = { where: `${module}->${className}`, expected: "a Python class that loads", found };
  return new UserError(fix === undefined ? problem : { ...problem, fix }, { cause: error });
}
