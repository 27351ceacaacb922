/** Runs a command line: parses, calls, and turns the outcome into an exit code. */

import { type Command, CommanderError } from "commander";
import { UserError } from "../configs/index.ts";
import { AuthenticationError, InvalidOptionError } from "../runtime/errors/index.ts";

/** Exit code of a mistake that the user can mend. */
const USER_ERROR = 2;
const FAILED = 1;
const INTERRUPTED = 130;

/** Runs the program and ends the process. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program
      .exitOverride()
      .showSuggestionAfterError()
      .parseAsync([...argv]);
    process.exit(process.exitCode ?? 0);
  } catch (error) {
    process.exit(exitCodeOf(error, program.name()));
  }
}

/** Says what went wrong, and gives the exit code: 2 for what the user can mend, 1 for what failed, 130 for a stop. */
function exitCodeOf(error: unknown, name: string): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USER_ERROR;
  const chain = causesOf(error);
  const told = chain.find((each) => each instanceof UserError || each.name === "InterruptedError");
  if (told !== undefined) {
    const interrupted = !(told instanceof UserError);
    process.stderr.write(interrupted ? `${told.message}\n` : `${name}: ${told.message}\n`);
    return interrupted ? INTERRUPTED : USER_ERROR;
  }
  // Errors of astune's parts carry a code and say all there is to say; the innermost is the one that happened.
  const coded = chain.findLast((each) => "code" in each && /^[A-Z_]+$/.test(String(each.code)));
  if (coded !== undefined) {
    process.stderr.write(`${name}: ${coded.message}\n`);
    return coded instanceof AuthenticationError || coded instanceof InvalidOptionError ? USER_ERROR : FAILED;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${name}: this is a fault of astune's own: ${stack}\n`);
  return FAILED;
}

/** An error, its cause, that one's cause and so on. */
function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && !chain.includes(each); each = each.cause) chain.push(each);
  return chain;
}
