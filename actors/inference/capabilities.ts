/** What an engine can do, read from its own description (`/openapi.json`), because vLLM's routes differ by version. */

/** Every capability that a decision here depends on. */
export type Capability =
  | "pause"
  | "pause_keep"
  | "collective_rpc"
  | "reset_prefix_cache"
  | "reset_running_requests"
  | "update_weight_version"
  | "return_token_ids"
  | "return_weight_versions"
  | "sleep"
  | "wake_tags"
  | "is_sleeping";

interface OpenApi {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OpenApiMethod>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, { readonly properties?: object }>> };
}

interface OpenApiMethod {
  readonly parameters?: readonly { readonly name?: string }[];
}

/** Decides for each capability; pure. An unknown or empty description has none. */
export function readCapabilities(description: unknown): ReadonlySet<Capability> {
  const api: OpenApi = typeof description === "object" && description !== null ? description : {};
  const route = (path: string): OpenApiMethod | undefined => Object.values(api.paths?.[path] ?? {})[0];
  const query = (path: string, name: string): boolean =>
    route(path)?.parameters?.some((parameter) => parameter.name === name) ?? false;
  const field = (name: string): boolean => name in (api.components?.schemas?.["CompletionRequest"]?.properties ?? {});
  const rows: Record<Capability, boolean> = {
    pause: route("/pause") !== undefined && route("/resume") !== undefined,
    // Before the modes there was only `wait_for_inflight_requests`.
    pause_keep: query("/pause", "mode"),
    collective_rpc: route("/collective_rpc") !== undefined,
    reset_prefix_cache: route("/reset_prefix_cache") !== undefined,
    reset_running_requests: query("/reset_prefix_cache", "reset_running_requests"),
    update_weight_version: route("/update_weight_version") !== undefined,
    return_token_ids: field("return_token_ids"),
    return_weight_versions: field("return_weight_versions"),
    sleep: route("/sleep") !== undefined && route("/wake_up") !== undefined,
    // vLLM reads the tags from the raw query, so they are not described: every version with /is_sleeping has them.
    wake_tags: route("/is_sleeping") !== undefined,
    is_sleeping: route("/is_sleeping") !== undefined,
  };
  return new Set(Object.entries(rows).flatMap(([name, has]) => (has ? [name as Capability] : [])));
}
