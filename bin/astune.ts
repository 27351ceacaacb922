/** The `astune` command line. */

import { Command } from "commander";
import { addConfigCommands } from "./commands/config-commands.ts";
import { addKillCommand, addSubmitCommand, legacyArguments } from "./commands/run-commands.ts";
import { runProgram } from "./run-program.ts";

/** Runs the command line and ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const astune = new Command("astune").description("Tunes tool-using LLM agents with reinforcement learning.");
  addSubmitCommand(astune);
  addKillCommand(astune);
  addConfigCommands(astune);
  await runProgram(astune, [...argv.slice(0, 2), ...legacyArguments(argv.slice(2))]);
}
