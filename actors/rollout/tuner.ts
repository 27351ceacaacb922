/** What a workflow is handed: the episode's model, the Python sandbox and the way to the judge. */

import OpenAI from "openai";
import { Agent, fetch as undiciFetch } from "undici";
import type { ToolRun } from "../episode.ts";
import { type EpisodeSession, messageOf } from "./episode-session.ts";
import { pythonToolName } from "./python-tool.ts";
import type { PythonSandbox } from "./rollout-options.ts";
import type { CodeResult, Environment, Tuner } from "./workflow.ts";

/** Replies may take as long as the episode; the defaults of `fetch` would cut them off after five minutes. */
const patientAgent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connections: null });
const patientFetch = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: patientAgent })) as unknown as typeof globalThis.fetch;

/** The tuner of one episode, with what it recorded. */
export class EpisodeTuner implements Tuner {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly episodeId: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly env?: Environment;
  readonly toolRuns: ToolRun[] = [];
  readonly judgeInput: Record<string, unknown> = {};
  /** Set when the sandbox itself failed, which is no fault of the episode. */
  sandboxFailure: string | undefined;
  readonly #session: EpisodeSession;
  readonly #sandbox: () => Promise<PythonSandbox>;
  #client: OpenAI | undefined;

  constructor(session: EpisodeSession, baseUrl: string, sandbox: () => Promise<PythonSandbox>, env?: Environment) {
    this.baseUrl = baseUrl;
    this.apiKey = session.key;
    this.model = session.settings.modelName;
    this.episodeId = session.request.episodeId;
    this.timeoutMs = session.request.timeoutMs;
    this.signal = session.signal;
    if (env) this.env = env;
    this.#session = session;
    this.#sandbox = sandbox;
  }

  /** See {@link Tuner.openai}. */
  openai(): OpenAI {
    this.#client ??= new OpenAI({
      baseURL: this.baseUrl,
      apiKey: this.apiKey,
      organization: null,
      project: null,
      maxRetries: 2,
      timeout: this.#session.request.timeoutMs,
      fetch: patientFetch,
    });
    return this.#client;
  }

  /** See {@link Tuner.executePythonCode}. Rejects when the episode is over. */
  async executePythonCode(code: string): Promise<CodeResult> {
    const turn = Math.max(0, this.#session.recorder.turns.length - 1);
    const startedMs = performance.now();
    const { printed, ...result } = await this.#run(code);
    this.toolRuns.push({
      name: pythonToolName,
      arguments: { code },
      output: result.text,
      returnCode: result.returnCode,
      printed,
      turn,
      durationMs: performance.now() - startedMs,
    });
    return { text: result.text, returnCode: result.returnCode, stdout: result.stdout, stderr: result.stderr };
  }

  /** See {@link Tuner.updateJudgeInputDictionary}. */
  updateJudgeInputDictionary(values: Readonly<Record<string, unknown>>): void {
    Object.assign(this.judgeInput, values);
  }

  async #run(code: string): Promise<CodeResult & { readonly printed: boolean }> {
    this.signal.throwIfAborted();
    try {
      return await (await this.#sandbox()).run(String(code), this.signal);
    } catch (error) {
      this.signal.throwIfAborted();
      this.sandboxFailure = `the sandbox failed: ${messageOf(error)}`;
      throw error;
    }
  }
}
