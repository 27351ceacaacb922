/**
 * Tool calls in the Hermes format: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, several in one reply. What is
 * meant as a call but does not parse or validate stays in the text and is counted. Time is linear in the text's length.
 */

import type { ToolDefinition } from "../task.ts";
import { schemaFault } from "./json-schema.ts";

/** A call as the model wrote it. */
export interface HermesCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Something meant as a call that is none. */
export interface MalformedCall {
  readonly text: string;
  /** The tool that it seems to name. */
  readonly name?: string;
  /** One phrase: what is wrong. */
  readonly reason: string;
  /** It parses, but names a tool that was not offered. */
  readonly notOffered?: boolean;
}

export interface HermesReply {
  /** The text around the calls, malformed ones included. */
  readonly content: string;
  readonly calls: readonly HermesCall[];
  readonly malformed: readonly MalformedCall[];
}

const open = "<tool_call>";
const close = "</tool_call>";
/** More attempts than this in one message are a loop of the model; what follows is left as text. */
const maxAttempts = 64;
/** How far the end of a call is looked for beyond a closing tag that does not end it. */
const maxScanChars = 262_144;
const unclosed = "it has no closing tag";
const notOffered = "no such tool is offered";
const bareCall = /\{\s*["']name["']\s*:\s*["']([\w.-]{1,128})["'](\s*,\s*["'](?:arguments|parameters)["']\s*:)?/g;

/** Takes the calls out of a reply's text. `tools` are those offered; a call of any other is malformed. */
export function parseHermes(text: string, tools: readonly ToolDefinition[]): HermesReply {
  const calls: HermesCall[] = [];
  const malformed: MalformedCall[] = [];
  const kept: string[] = [];
  const untagged: string[] = [];
  let from = 0;
  let nextClose = text.indexOf(close);
  let attempts = 0;
  for (let at = text.indexOf(open); at >= 0 && attempts < maxAttempts; at = text.indexOf(open, from)) {
    attempts += 1;
    const before = text.slice(from, at);
    kept.push(before);
    untagged.push(before);
    if (nextClose >= 0 && nextClose < at) nextClose = text.indexOf(close, at);
    const attempt = parseAttempt(text, at + open.length, nextClose, tools);
    from = attempt.end;
    if ("call" in attempt) {
      calls.push(attempt.call);
    } else {
      const attempted = text.slice(at, from);
      kept.push(attempted);
      malformed.push(malformedCall(attempted, attempt.reason));
    }
  }
  kept.push(text.slice(from));
  untagged.push(text.slice(from));
  for (const piece of untagged) malformed.push(...bareAttempts(piece, tools));
  return { content: calls.length > 0 ? joinAround(kept) : text, calls, malformed };
}

type Attempt = { readonly call: HermesCall; readonly end: number } | { readonly reason: string; readonly end: number };

function parseAttempt(text: string, start: number, nextClose: number, tools: readonly ToolDefinition[]): Attempt {
  const nextOpen = text.indexOf(open, start);
  const limit = nextOpen < 0 ? text.length : nextOpen;
  if (nextClose < 0) return { reason: unclosed, end: limit };
  const end = callEnd(text, start, nextClose);
  if (end === undefined) {
    return limit < nextClose
      ? { reason: unclosed, end: limit }
      : { reason: "it is not a JSON object", end: nextClose + close.length };
  }
  const value = JSON.parse(text.slice(start, end)) as unknown;
  const reason = callFault(value, tools);
  const after = end + close.length;
  return reason === undefined ? { call: value as HermesCall, end: after } : { reason, end: after };
}

/** Where the closing tag of a call stands, if a JSON object lies before it; a string in that may hold closing tags too. */
function callEnd(text: string, start: number, nextClose: number): number | undefined {
  if (isObject(text.slice(start, nextClose))) return nextClose;
  const end = text.indexOf(close, objectEnd(text, start));
  return end > nextClose && isObject(text.slice(start, end)) ? end : undefined;
}

/** Where the object that begins at `start` ends by its braces; the text's length where that is not soon. */
function objectEnd(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  const limit = Math.min(text.length, start + maxScanChars);
  for (let at = start; at < limit; at += 1) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") depth += 1;
    else if (char === "}") {
      depth -= 1;
      if (depth <= 0) return at + 1;
    }
  }
  return text.length;
}

function isObject(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function callFault(value: unknown, tools: readonly ToolDefinition[]): string | undefined {
  const { name, arguments: args } = value as { name?: unknown; arguments?: unknown };
  if (typeof name !== "string") return "it has no name";
  if (typeof args !== "object" || args === null || Array.isArray(args)) return "its arguments are not an object";
  const tool = tools.find((each) => each.function.name === name);
  if (tool === undefined) return notOffered;
  return schemaFault(args, tool.function.parameters);
}

function malformedCall(text: string, reason: string): MalformedCall {
  const name = /["']name["']\s*:\s*["']([\w.-]{1,128})["']/.exec(text.slice(0, 1000))?.[1];
  return {
    text,
    reason,
    ...(name === undefined ? {} : { name }),
    ...(reason === notOffered ? { notOffered: true } : {}),
  };
}

/** Calls written without the tags: JSON in the text or in a fence that names an offered tool, or a stray closing tag. */
function bareAttempts(piece: string, tools: readonly ToolDefinition[]): MalformedCall[] {
  if (tools.length === 0) return [];
  const found: MalformedCall[] = [];
  for (const [start, name = "", withArguments] of piece.matchAll(bareCall)) {
    if (withArguments === undefined && !tools.some((tool) => tool.function.name === name)) continue;
    found.push({ text: start, name, reason: "it stands outside <tool_call> tags" });
  }
  const strayClose = found.length === 0 && piece.includes(close);
  return strayClose ? [{ text: close, reason: "it has no opening tag" }] : found;
}

function joinAround(pieces: readonly string[]): string {
  return pieces
    .filter((piece) => piece.trim() !== "")
    .join("")
    .trim();
}
