/** One turn: what was added to the conversation, the reply token for token, and each call with its code and output. */

import { el } from "./dom.js";
import { count, duration } from "./format.js";
import { faultTag } from "./list-row.js";
import { tokenText } from "./tokens.js";

/** Longer texts are folded until they are asked for. */
const foldedChars = 1_500;

export function turnCard(turn, index, view) {
  const isFolded = (message) => message.role === "system";
  const ran = new Set(view.turns.slice(0, index).flatMap((earlier) => earlier.toolRuns.map((run) => run.output)));
  const added = turn.messages.filter((message) => !(message.role === "tool" && ran.has(message.text)));
  const facts = [
    `${count(turn.tokens.ids.length)} tokens`,
    duration(turn.durationMs),
    turn.finishReason !== "stop" && `ended by ${turn.finishReason}`,
  ].filter(Boolean);
  const card = el(
    "article.card.turn",
    el("h3", `Turn ${index + 1}`, el("span.muted", facts.join(" · ")), ...turn.faults.map(faultTag)),
    ...added.map((message) => messageBlock(message, isFolded(message))),
    el("div.message.assistant", el("span.role", "assistant"), replyText(turn)),
    ...callBlocks(turn),
  );
  if (turn.faults.length > 0) card.dataset.fault = turn.faults[0];
  return card;
}

function replyText(turn) {
  return turn.tokens.ids.length > 0 ? tokenText(turn.tokens) : el("pre.text", turn.reply.text);
}

function messageBlock(message, isFolded) {
  const text = el("pre.text", message.text || "(empty)");
  if (!isFolded && message.text.length <= foldedChars) return el(`div.message`, el("span.role", message.role), text);
  const first = message.text.trim().split("\n", 1)[0] ?? "";
  const summary = el("summary", el("span.role", message.role), el("span.first-line", first));
  return el("details.message", summary, text);
}

/** Each call beside the run that it led to; a call that was never run says so. */
function callBlocks(turn) {
  const calls = [...turn.reply.calls];
  const runs = turn.toolRuns.map((run) => {
    const at = calls.findIndex((call) => call.name === run.name);
    if (at >= 0) calls.splice(at, 1);
    return runBlock(run);
  });
  const unrun = calls.map((call) =>
    el(
      "div.call",
      el("div.call-line", el("code.tool", call.name), el("span.tag", "not run")),
      codeBlock(parsed(call.arguments)),
    ),
  );
  return [...runs, ...unrun];
}

function runBlock(run) {
  const isEmpty = run.printed === false;
  const line = el(
    "div.call-line",
    el("code.tool", run.name),
    el(
      run.returnCode === 0 ? "span.muted" : "span.tag.bad",
      run.returnCode === -1 ? "stopped by a limit" : `exit ${run.returnCode}`,
    ),
    el("span.muted", duration(run.durationMs)),
    isEmpty && faultTag("no_print"),
  );
  return el("div.call", line, codeBlock(run.arguments), el("pre.output", run.output || "(nothing)"));
}

/** The code of a call as code, anything else as JSON. */
function codeBlock(values) {
  if (typeof values !== "object" || values === null) return el("pre.code", String(values));
  const { code, ...others } = values;
  const rest = Object.keys(others).length > 0 ? JSON.stringify(others, undefined, 2) : "";
  if (typeof code !== "string") return el("pre.code", rest || "{}");
  return el("pre.code", rest ? `${code}\n\n${rest}` : code);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
