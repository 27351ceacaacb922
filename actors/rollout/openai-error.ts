/** The errors of an episode's OpenAI-compatible server, in the shape that OpenAI's clients read. */

/** Whether the client's own retry may help: `x-should-retry`, which the `openai` package obeys. */
export type Retry = "yes" | "no";

/** An error that is answered to the workflow as HTTP `status` with OpenAI's JSON. */
export class OpenAiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retry: Retry;

  constructor(status: number, code: string, message: string, retry: Retry = "no", options?: ErrorOptions) {
    super(message, options);
    this.name = "OpenAiError";
    this.status = status;
    this.code = code;
    this.retry = retry;
  }

  /** The body of the answer. */
  toBody(): { error: { message: string; type: string; param: null; code: string } } {
    return { error: { message: this.message, type: typeOf(this.status), param: null, code: this.code } };
  }
}

/** A request that is not what OpenAI's API takes, or asks for what is not there. */
export function badRequest(message: string, code = "invalid_request"): OpenAiError {
  return new OpenAiError(400, code, message);
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
