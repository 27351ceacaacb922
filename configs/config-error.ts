/** All that is wrong with a configuration, one line each. */

import type { UserErrorFacts } from "./user-error.ts";
import { UserError } from "./user-error.ts";

/** Thrown for a configuration that cannot be used. `message` has one line per problem, in the file's order. */
export class ConfigError extends UserError {
  readonly problems: readonly UserErrorFacts[];

  /** `problems` has at least one. */
  constructor(problems: readonly UserErrorFacts[]) {
    const [first, ...others] = problems;
    if (first === undefined) throw new Error("a ConfigError needs a problem");
    super(first);
    this.name = "ConfigError";
    this.problems = problems;
    for (const other of others) this.message += `\n${new UserError(other).message}`;
  }
}
