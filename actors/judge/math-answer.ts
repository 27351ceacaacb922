/** Finds the answer in a text and says whether two written answers mean the same. Pure, and bounded in time. */

import { dividedBy, evaluate, times, toNumber, type Value, whole } from "./expression.ts";
import { closingBrace, plainText } from "./latex.ts";

const longestAnswer = 2000;
const multipliers = new Map<string, bigint>([
  ["hundred", 100n],
  ["thousand", 1000n],
  ["million", 1_000_000n],
  ["billion", 1_000_000_000n],
  ["trillion", 1_000_000_000_000n],
]);
const currency = "(?:US|A|C|NZ)?[$€£¥₹]|USD|EUR|GBP|Rs\\.?";
/** One-letter units; any other single letter is taken for a variable. */
const unitLetters = "[mgshlLMW]";
const unit = `(?:${unitLetters}|[a-zA-Zµ]{2,})(?:\\^?\\(?[23]\\)?)?`;
const unitTail = new RegExp(`(?<=[\\d.)%]|pi)\\s*(?:-\\s*)?(${unit}(?:[\\s./-]+${unit}){0,5})$`);
const notUnits =
  /\b(?:and|or|to|of|by|plus|minus|times|over|less|more|fewer|not|pi|sqrt|half|quarter|third|infinity)\b/i;

/** The reference in a solution text: what stands after the last `####`, or else in its last box, or else all of it. */
export function referenceAnswer(solution: string): string {
  const marked = solution.lastIndexOf("####");
  if (marked >= 0) return solution.slice(marked + 4).trim();
  return extractAnswer(solution) ?? solution.trim();
}

/** The content of the last `\boxed{…}` whose braces are balanced, or undefined when there is none. */
export function extractAnswer(text: string): string | undefined {
  const box = /\\f?boxed\s*\{/g;
  const starts = [...text.matchAll(box)].slice(-50).reverse();
  for (const found of starts) {
    const open = found.index + found[0].length - 1;
    const close = closingBrace(text, open);
    if (close >= 0) return extractAnswer(text.slice(open + 1, close)) ?? text.slice(open + 1, close).trim();
  }
  return undefined;
}

/**
 * Whether two answers mean the same: the same text, the same text without LaTeX and spaces, the same number
 * (`1,000`, `$18`, `18.0`, `\frac{1}{2}`, `18 dollars`, `1.8 \times 10^{1}`), or lists of such answers.
 */
export function sameAnswer(given: string, reference: string): boolean {
  const [left, right] = [given.trim(), reference.trim()];
  if (left === "" || right === "" || left.length > longestAnswer || right.length > longestAnswer) return false;
  if (left === right) return true;
  return samePlain(rightOfEquals(plainText(left)), rightOfEquals(plainText(right)));
}

function samePlain(left: string, right: string): boolean {
  if (left === "" || right === "") return false;
  if (comparable(left) === comparable(right)) return true;
  const [a, b] = [numberIn(left), numberIn(right)];
  if (a && b) return sameNumber(a, b);
  const [parts, others] = [listIn(left), listIn(right)];
  if (!parts || !others || parts.length !== others.length || parts.length > 20) return false;
  return parts.every((part, i) => samePlain(part, others[i] ?? ""));
}

/** The text without spaces, but for those between digits; words in small letters, single letters (variables, choices) as they are. */
function comparable(text: string): string {
  return text.replaceAll(/[a-zA-Z]{2,}/g, (word) => word.toLowerCase()).replaceAll(/(?<!\d)\s+|\s+(?!\d)/g, "");
}

/** `x = 5` and `2 + 3 = 5` give `5`; other equations stay whole. */
function rightOfEquals(text: string): string {
  const [left = "", right, ...more] = text.replace(/^≈\s*/, "").split("=");
  if (right === undefined || more.length > 0) return left;
  const isName = /^\s*[a-zA-Z][a-zA-Z_]*\s*$/.test(left);
  const [a, b] = [numberIn(left), numberIn(right)];
  return isName || (a && b && sameNumber(a, b)) ? right.trim() : text;
}

interface WrittenNumber {
  readonly value: Value;
  readonly isPercent: boolean;
  /** Digits that the text gives; many of them mean a value cut off by floating point. */
  readonly digits: number;
}

function numberIn(text: string): WrittenNumber | undefined {
  if (text.length > 200) return undefined;
  let rest = text
    .replace(new RegExp(`^([-+]?)\\s*(?:${currency})\\s*`), "$1")
    .replace(new RegExp(`\\s*(?:${currency})$`), "");
  let factor = 1n;
  const tail = unitTail.exec(rest)?.[1];
  if (tail !== undefined && !notUnits.test(tail)) {
    const [first = ""] = tail.split(/[\s./-]+/);
    factor = multipliers.get(first.toLowerCase()) ?? 1n;
    rest = rest.slice(0, -tail.length).replace(/[\s-]+$/, "");
  }
  const percent = /%$|\bpercent$/.test(rest) || /^percent/i.test(tail ?? "");
  rest = rest.replace(/\s*%$/, "");
  const value = evaluate(mixedNumber(withoutThousands(rest)));
  const scaled = value && times(value, whole(factor));
  return scaled && { value: scaled, isPercent: percent, digits: rest.replaceAll(/\D/g, "").length };
}

/** `1,000,000` and `1 000 000` without separators; a comma elsewhere is not one. */
function withoutThousands(text: string): string {
  return text.replaceAll(
    /(?<![\d.,])\d{1,3}(?:,\s?\d{3})+(?![\d,])|(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d,])/g,
    (digits) => digits.replaceAll(/[,\s]/g, ""),
  );
}

/** `1 1/2` and `1\frac{1}{2}` as a sum. */
function mixedNumber(text: string): string {
  const mixed = /^([-+]?)\s*(\d+)\s+\(?\(?(\d+)\)?\s*\/\s*\(?(\d+)\)?\)?$/.exec(text);
  if (mixed) return `${mixed[1]}(${mixed[2]}+${mixed[3]}/${mixed[4]})`;
  const joined = /^([-+]?)\s*(\d+)\s*\(\((\d+)\)\/\((\d+)\)\)$/.exec(text);
  return joined ? `${joined[1]}(${joined[2]}+${joined[3]}/${joined[4]})` : text;
}

function sameNumber(a: WrittenNumber, b: WrittenNumber): boolean {
  if (close(a, b)) return true;
  if (a.isPercent === b.isPercent) return false;
  const [percent, plain] = a.isPercent ? [a, b] : [b, a];
  const share = dividedBy(percent.value, 100n);
  return share !== undefined && close({ ...percent, value: share }, plain);
}

/** Exact fractions must be equal; where one is cut off or irrational, nine digits must agree. */
function close(a: WrittenNumber, b: WrittenNumber): boolean {
  const { value: x } = a;
  const { value: y } = b;
  if (x.exact && y.exact) {
    if (x.numerator === y.numerator && x.denominator === y.denominator) return true;
    if (x.denominator === 1n && y.denominator === 1n) return false;
    if (Math.max(a.digits, b.digits) < 12) return false;
  }
  const [p, q] = [toNumber(x), toNumber(y)];
  return Math.abs(p - q) <= 1e-9 * Math.max(Math.abs(p), Math.abs(q));
}

/** The parts of `(a, b)`, `[a, b]`, `{a, b}` or `a, b`. */
function listIn(text: string): string[] | undefined {
  const inner = /^\\?[([{](.*?)\\?[)\]}]$/.exec(text)?.[1] ?? text;
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < inner.length; at += 1) {
    const char = inner[at] ?? "";
    if ("([{".includes(char)) depth += 1;
    else if (")]}".includes(char)) depth -= 1;
    else if (char === "," && depth === 0) {
      parts.push(inner.slice(start, at).trim());
      start = at + 1;
    }
  }
  if (parts.length === 0) return undefined;
  const first = text.at(0) ?? "";
  return ["([{".includes(first) ? first : "", ...parts, inner.slice(start).trim()].map((part) => part || "∅");
}
