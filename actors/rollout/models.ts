/** `/v1/models`: the one model being tuned. */

import type { SessionSettings } from "./episode-session.ts";

/** The list that OpenAI's clients expect. */
export function listModels({ modelName, maxModelLen }: SessionSettings): Record<string, unknown> {
  const model = { id: modelName, object: "model", created: 0, owned_by: "astune", max_model_len: maxModelLen };
  return { object: "list", data: [model] };
}
