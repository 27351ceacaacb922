/** Reads the JSON body of a request, up to a size. */

import type { IncomingMessage } from "node:http";
import type { Body } from "./chat-request.ts";
import { badRequest, OpenAiError } from "./openai-error.ts";

/**
 * Throws 413 for a body larger than `maxBytes`, and 400 when it is not a JSON object. A body that is too large is read to
 * its end and dropped: a client that is cut off while it sends sees a broken connection instead of the answer.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > maxBytes)
    throw new OpenAiError(413, "request_too_large", `a request may have ${maxBytes} bytes, this one has ${bytes}`);
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Body;
  throw badRequest("the body must be a JSON object");
}
