/**
 * What keeps strangers out of the page's server: it listens on loopback only, answers GET only, and only to this
 * machine's own names, so that a web page elsewhere cannot reach it under a name of its own (DNS rebinding).
 */

import { isIPv4 } from "node:net";
import type { FastifyInstance } from "fastify";
import { UserError } from "../../configs/index.ts";

/** Sent with every answer: nothing from elsewhere is loaded, no script in the page but its own. */
export const safeHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Throws a `UserError` for an address that others could reach. */
export function checkLoopback(host: string): void {
  if (isLoopback(host)) return;
  throw new UserError({
    where: "logview host",
    expected: "an address of this machine's loopback, such as 127.0.0.1",
    found: host,
    fix: "reach it from elsewhere with: ssh -L 8181:127.0.0.1:8181 THIS_MACHINE",
  });
}

/** Whether a `Host` header names this machine's loopback, with any port (a tunnel may have another). */
export function isOwnHost(header: string | undefined): boolean {
  const name = /^(\[[^\]]*\]|[^:]*)(:\d+)?$/.exec(header ?? "")?.[1];
  return name !== undefined && isLoopback(name.replace(/^\[|\]$/g, "").toLowerCase());
}

/** Puts the guard before every route. */
export function guard(server: FastifyInstance): void {
  server.addHook("onRequest", async (request, reply) => {
    reply.headers(safeHeaders);
    if (!isOwnHost(request.headers.host)) return reply.code(403).send({ error: "This page is for this machine only." });
    if (request.method !== "GET") return reply.code(405).header("allow", "GET").send({ error: "Only GET." });
  });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
