/** The `astune` command line: parses, calls, and turns the outcome into an exit code. */

import { Command, CommanderError } from "commander";
import { UserError } from "../configs/index.ts";
import { addConfigCommands } from "./commands/config-commands.ts";
import { addKillCommand, addSubmitCommand, legacyArguments } from "./commands/run-commands.ts";

/** Exit code of a mistake that the user can mend. */
const USER_ERROR = 2;
const FAILED = 1;
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

/** Says what went wrong, and gives the exit code: 2 for what the user can mend, 1 for what failed, 130 for a stop. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USER_ERROR;
  const chain = causesOf(error);
  const told = chain.find((each) => each instanceof UserError || each.name === "InterruptedError");
  if (told !== undefined) {
    const interrupted = !(told instanceof UserError);
    process.stderr.write(interrupted ? `${told.message}\n` : `astune: ${told.message}\n`);
    return interrupted ? INTERRUPTED : USER_ERROR;
  }
  // Errors of astune's parts carry a code and say all there is to say; the innermost is the one that happened.
  const coded = chain.findLast((each) => "code" in each && /^[A-Z_]+$/.test(String(each.code)));
  if (coded !== undefined) {
    process.stderr.write(`astune: ${coded.message}\n`);
    return FAILED;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`astune: this is a fault of astune's own: ${stack}\n`);
  return FAILED;
}

/** An error, its cause, that one's cause and so on. */
function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && !chain.includes(each); each = each.cause) chain.push(each);
  return chain;
}
