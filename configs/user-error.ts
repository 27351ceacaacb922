/** A mistake that the user can mend: told in one line, exit code 2. */

/** What a `UserError` says. Each part is a phrase without a full stop. */
export interface UserErrorFacts {
  /** Where: `file:line: key`, a path, or an option. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** Thrown for bad input; `message` is the whole line. */
export class UserError extends Error {
  readonly code = "USER_ERROR";
  readonly exitCode = 2;
  readonly facts: UserErrorFacts;

  constructor(facts: UserErrorFacts, options?: ErrorOptions) {
    const fix = facts.fix === undefined ? "" : ` (${facts.fix})`;
    super(`${facts.where}: expected ${facts.expected}, got ${facts.found}${fix}`.replaceAll(/\s*\n\s*/g, " "), options);
    this.name = "UserError";
    this.facts = facts;
  }
}
