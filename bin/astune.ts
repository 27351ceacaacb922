/** The `astune` command line: parses, calls, and turns the outcome into an exit code. */

import { Command, CommanderError } from "commander";
import { UserError } from "../configs/index.ts";
import { addConfigCommands } from "./commands/config-commands.ts";
import { addKillCommand, addSubmitCommand, legacyArguments } from "./commands/run-commands.ts";

/** Exit code of a mistake that the user can mend. */
const USER_ERROR = 2;
const INTERRUPTED = 130;

function program(): Command {
  const astune = new Command("astune")
    .description("Tunes tool-using LLM agents with reinforcement learning.")
    .exitOverride()
    .showSuggestionAfterError();
  addSubmitCommand(astune);
  addKillCommand(astune);
  addConfigCommands(astune);
  return astune;
}

/** Runs the command line and ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync([...argv.slice(0, 2), ...legacyArguments(argv.slice(2))]);
    process.exit(process.exitCode ?? 0);
  } catch (error) {
    process.exit(exitCodeOf(error));
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USER_ERROR;
  if (error instanceof Error && error.name === "InterruptedError") {
    process.stderr.write(`${error.message}\n`);
    return INTERRUPTED;
  }
  if (error instanceof UserError || isTold(error)) {
    process.stderr.write(`astune: ${error.message}\n`);
    return USER_ERROR;
  }
  process.stderr.write(
    `astune: this is a fault of astune's own: ${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return 1;
}

/** Errors of other parts that say all a user needs in one line. */
function isTold(error: unknown): error is Error {
  return error instanceof Error && "exitCode" in error && error.exitCode === USER_ERROR;
}
