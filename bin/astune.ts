/** The `astune` command line. */

import { Command } from "commander";
import { addClusterCommands } from "./commands/cluster-commands.ts";
import { addConfigCommands } from "./commands/config-commands.ts";
import { addSubmitCommand, legacyArguments } from "./commands/run-commands.ts";
import { runProgram } from "./run-program.ts";

/** Runs the command line and ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const astune = new Command("astune").description("Tunes tool-using LLM agents with reinforcement learning.");
  addSubmitCommand(astune);
  addClusterCommands(astune);
  addConfigCommands(astune);
  await runProgram(astune, [...argv.slice(0, 2), ...legacyArguments(argv.slice(2))]);
}
