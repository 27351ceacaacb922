/** What an episode's own server answers beside the model: the sandbox and the environment, for workflows in other languages. */

import { OpenAiError } from "./openai-error.ts";
import type { Tuner } from "./workflow.ts";

/** Answers `tools/python` and `environment/step`; undefined for any other path. Throws an {@link OpenAiError}. */
export function toolRequest(path: string): ((tuner: Tuner, body: unknown) => Promise<unknown>) | undefined {
  if (path === "tools/python") return runPython;
  return path === "environment/step" ? step : undefined;
}

function runPython(tuner: Tuner, body: unknown): Promise<unknown> {
  const { code } = fieldsOf(body);
  if (typeof code !== "string") throw new OpenAiError(400, "invalid_request", "code: expected a text");
  return tuner.executePythonCode(code);
}

async function step({ env }: Tuner, body: unknown): Promise<unknown> {
  if (!env) throw new OpenAiError(404, "no_environment", "this episode's task has no environment");
  const { role, content } = fieldsOf(body);
  if (typeof role !== "string" || typeof content !== "string") {
    throw new OpenAiError(400, "invalid_request", "role and content: expected texts");
  }
  return env.step({ role, content });
}

function fieldsOf(body: unknown): Record<string, unknown> {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}
