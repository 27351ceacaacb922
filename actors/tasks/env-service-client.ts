/** A client of an environment service: the upstream HTTP protocol (`/create`, `/step`, `/evaluate`, `/release`, `/get_env_profile`). */

import pRetry, { AbortError } from "p-retry";
import type { ChatMessage } from "../task.ts";

/** Where the service is. Times have upstream's defaults. */
export interface EnvServiceOptions {
  readonly envUrl: string;
  readonly envType: string;
  /** Default 300,000. */
  readonly timeoutMs?: number;
  /** Attempts after the first. Default 2; a list of tasks is asked for once. */
  readonly retries?: number;
  /** Wait before the first repeat. Default 3,000. */
  readonly retryWaitMs?: number;
}

/** The state of an instance after it was created or stepped. */
export interface EnvInstance {
  readonly instanceId: string;
  readonly messages: readonly ChatMessage[];
  readonly reward: number;
  readonly isTerminated: boolean;
  readonly info: Readonly<Record<string, unknown>>;
}

/** The service refused, could not be reached, or answered something else than the protocol says. */
export class EnvServiceError extends Error {
  readonly code = "ENV_SERVICE_FAILED";
  readonly url: string;
  readonly status: number | undefined;

  constructor(url: string, what: string, status?: number, options?: ErrorOptions) {
    super(`environment service ${url}: ${what}`, options);
    this.name = "EnvServiceError";
    this.url = url;
    this.status = status;
  }
}

/** Calls of one environment type of one service. Each throws an `EnvServiceError` once its repeats are used up. */
export class EnvServiceClient {
  readonly #options: Required<EnvServiceOptions>;

  constructor(options: EnvServiceOptions) {
    this.#options = { timeoutMs: 300_000, retries: 2, retryWaitMs: 3000, ...options };
  }

  /** Ids of the tasks of a split. */
  async taskIds(split: string): Promise<string[]> {
    const { data, task_ids: ids = data } = await this.#post("/get_env_profile", { params: { split } }, 0);
    if (!Array.isArray(ids))
      throw new EnvServiceError(this.#options.envUrl, "/get_env_profile gave no list of task ids");
    return ids.map(String);
  }

  /** Makes an instance of a task; its first messages are the task's. `instanceId` is the caller's choice. */
  async create(
    taskId: string,
    instanceId: string,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<EnvInstance> {
    const { data } = await this.#post("/create", { task_id: taskId, instance_id: instanceId, params });
    return this.#instanceOf(data, instanceId);
  }

  /** Sends one action and waits for what it brings. Not repeated: an action may not be safe to do twice. */
  async step(instanceId: string, action: { readonly role: string; readonly content: string }): Promise<EnvInstance> {
    const { data } = await this.#post("/step", { instance_id: instanceId, messages: action }, 0);
    return this.#instanceOf(data, instanceId);
  }

  /** The instance's reward; with `sparse`, only a finished task counts. */
  async evaluate(instanceId: string, { sparse = false }: { readonly sparse?: boolean } = {}): Promise<number> {
    const { data } = await this.#post("/evaluate", { instance_id: instanceId, params: { sparse } });
    if (typeof data === "number") return data;
    throw new EnvServiceError(this.#options.envUrl, `/evaluate gave ${JSON.stringify(data)} instead of a number`);
  }

  /** Ends an instance; false when the service did not know it. */
  async release(instanceId: string): Promise<boolean> {
    const { success } = await this.#post("/release", { instance_id: instanceId });
    return success !== false;
  }

  #instanceOf(data: unknown, instanceId: string): EnvInstance {
    if (typeof data !== "object" || data === null || !("state" in data)) {
      throw new EnvServiceError(this.#options.envUrl, "the reply has no state");
    }
    const { state, reward, is_terminated, info } = data as Record<string, unknown>;
    const messages = (Array.isArray(state) ? state : [state]).map(messageOf);
    return {
      instanceId,
      messages,
      reward: typeof reward === "number" ? reward : 0,
      isTerminated: is_terminated === true,
      info: typeof info === "object" && info !== null ? (info as Record<string, unknown>) : {},
    };
  }

  async #post(
    path: string,
    facts: Record<string, unknown>,
    retries = this.#options.retries,
  ): Promise<Record<string, unknown>> {
    const { envType, retryWaitMs } = this.#options;
    const body = JSON.stringify({
      env_type: envType,
      task_id: "",
      instance_id: "",
      messages: {},
      params: {},
      ...facts,
    });
    return pRetry(() => this.#postOnce(path, body), { retries, minTimeout: retryWaitMs, maxTimeout: retryWaitMs * 3 });
  }

  async #postOnce(path: string, body: string): Promise<Record<string, unknown>> {
    const url = this.#options.envUrl.replace(/\/+$/, "") + path;
    const request = { method: "POST", headers: { "content-type": "application/json" }, body };
    const signal = AbortSignal.timeout(this.#options.timeoutMs);
    let text = "";
    let status: number | undefined;
    try {
      const response = await fetch(url, { ...request, signal });
      status = response.status;
      text = await response.text();
    } catch (error) {
      const cause = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : "";
      throw new EnvServiceError(url, cause || String(error), status, { cause: error });
    }
    if (status < 200 || status > 299) {
      const failure = new EnvServiceError(url, `HTTP ${status}: ${text.slice(0, 200)}`, status);
      throw status >= 500 || status === 408 || status === 429 ? failure : new AbortError(failure);
    }
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch (error) {
      throw new AbortError(new EnvServiceError(url, `no JSON: ${text.slice(0, 200)}`, status, { cause: error }));
    }
  }
}

function messageOf(state: unknown): ChatMessage {
  if (typeof state === "string") return { role: "user", content: state };
  const { role, content, ...rest } = (state ?? {}) as Record<string, unknown>;
  const text = typeof content === "string" ? content : content === undefined ? "" : JSON.stringify(content);
  const known = ["system", "user", "assistant", "tool"].includes(String(role)) ? (role as ChatMessage["role"]) : "user";
  return { ...rest, role: known, content: text };
}
