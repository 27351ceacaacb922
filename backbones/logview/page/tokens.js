/**
 * Tokens as coloured text: trained ones blue and the darker the less sure the model was, others amber. One box follows
 * the pointer and tells what is known of the token under it.
 */

import { byId, el } from "./dom.js";
import { count, percent } from "./format.js";

const shades = 10;
/** Columns of the tokens that an element shows; spans carry only their number. */
const columns = new WeakMap();
const box = byId("hover");

/** The tokens of `{ ids, text, kind, trained, logprobs, versions }` as one block of text. */
export function tokenText(tokens) {
  const block = el("div.tokens");
  columns.set(block, tokens);
  for (let index = 0; index < tokens.ids.length; index += 1) block.append(token(tokens, index));
  return block;
}

/** What the colours mean. */
export function legend() {
  const scale = el("span.scale");
  for (let shade = 0; shade <= shades; shade += 2) scale.append(el(`i.tok.trained.u${shade}`, " "));
  return el("div.token-legend", "sure", scale, "unsure", el("i.tok.masked", "not trained"));
}

function token(tokens, index) {
  const span = document.createElement("span");
  const isTrained = tokens.trained[index] === 1;
  const kind = tokens.kind[index];
  span.className = isTrained ? `tok trained u${shade(tokens.logprobs[index])}` : "tok masked";
  if (kind === 1) span.classList.add("special");
  if (isTrained && tokens.logprobs[index] < Math.log(0.1)) span.classList.add("rare");
  span.dataset.i = index;
  if (kind === 2) {
    span.classList.add("part");
    span.textContent = "·";
  } else appendVisible(span, tokens.text[index]);
  return span;
}

/** How dark: 0 where the model was certain, `shades` where the token was all but impossible. */
function shade(logprob) {
  return Math.round((1 - Math.exp(Math.min(0, logprob))) * shades);
}

/** Signs that have no picture of their own, save the one that joins the parts of an emoji. */
const invisible = /((?!\u200d)[\p{Cc}\p{Cf}])/u;

/** Text with its line ends, tabs and other invisible signs shown; what is copied from it is the text itself. */
function appendVisible(span, text) {
  for (const part of text.split(invisible)) {
    if (part === "") continue;
    if (part === "\n") span.append(el("i.newline"), "\n");
    else if (part === "\t") span.append(el("i.tab"), "\t");
    else if (invisible.test(part)) span.append(hidden(part));
    else span.append(part);
  }
}

function hidden(sign) {
  return el("i.hidden-sign", `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
}

function describe(tokens, index) {
  const isTrained = tokens.trained[index] === 1;
  const rows = [["token id", count(tokens.ids[index]).replaceAll(",", "")]];
  if (isTrained) {
    const logprob = tokens.logprobs[index];
    rows.push(["log-probability", logprob.toFixed(4)], ["probability", percent(Math.exp(logprob))]);
    rows.push(["weight version", String(tokens.versions[index])]);
  } else rows.push(["", "not trained"]);
  rows.push(["position", count(index)]);
  const text = tokens.kind[index] === 2 ? "(part of the next sign)" : JSON.stringify(tokens.text[index]);
  return [el("code", text), el("dl", ...rows.flatMap(([name, value]) => [el("dt", name), el("dd", value)]))];
}

function place(pointer) {
  const { width, height } = box.getBoundingClientRect();
  const x = Math.min(pointer.clientX + 14, innerWidth - width - 8);
  const below = pointer.clientY + 20;
  const y = below + height > innerHeight - 8 ? pointer.clientY - height - 14 : below;
  box.style.transform = `translate(${Math.max(8, x)}px, ${Math.max(8, y)}px)`;
}

document.addEventListener("pointerover", (event) => {
  const span = event.target.closest?.(".tok[data-i]");
  const tokens = span && columns.get(span.parentElement);
  box.hidden = !tokens;
  if (!tokens) return;
  box.replaceChildren(...describe(tokens, Number(span.dataset.i)));
  place(event);
});
document.addEventListener("scroll", () => (box.hidden = true), { capture: true, passive: true });
