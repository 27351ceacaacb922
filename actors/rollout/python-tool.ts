/** The Python tool as it is offered to the model, and the text in which its results are told. */

import type { ToolDefinition } from "../task.ts";

/** The tool's name. */
export const pythonToolName = "execute_python_code";

/** `execute_python_code` in OpenAI's schema, for a workflow's `tools`. */
export const pythonTool: ToolDefinition = {
  type: "function",
  function: {
    name: pythonToolName,
    description:
      "Runs the given Python code in a fresh interpreter and returns its return code, standard output and standard error. " +
      "Only what the code prints can be seen, so every result must be printed.",
    parameters: {
      type: "object",
      properties: {
        code: { type: "string", description: "The Python code to run. It must print its results." },
        timeout: { type: "number", description: "Seconds after which the code is stopped.", default: 300 },
      },
      required: ["code"],
    },
  },
};

/** A result read back from its text. */
export interface CodeOutcome {
  readonly returnCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Reads `<returncode>…</returncode><stdout>…</stdout><stderr>…</stderr>`; undefined when the text is no such result. */
export function readCodeResult(text: string): CodeOutcome | undefined {
  const code = /<returncode>\s*(-?\d+)\s*<\/returncode>/.exec(text);
  if (!code) return undefined;
  const rest = text.slice(code.index + code[0].length);
  return { returnCode: Number(code[1]), stdout: inside(rest, "stdout"), stderr: inside(rest, "stderr") };
}

/** What stands between a tag's first opening and last closing; output may hold anything. */
function inside(text: string, tag: string): string {
  const start = text.indexOf(`<${tag}>`);
  const end = tag === "stdout" ? text.lastIndexOf("</stdout>") : text.lastIndexOf(`</${tag}>`);
  return start < 0 || end < start ? "" : text.slice(start + tag.length + 2, end);
}
