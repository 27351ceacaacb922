/** Turns a written answer (LaTeX, units, currency, odd spaces) into plain text that can be compared and computed. */

const removed =
  /\\(?:left|right|bigl?|bigr?|Bigl?|Bigr?|displaystyle|textstyle|limits|mathstrut)(?![a-zA-Z])|\\[!,;:>]|\\\s|~/g;
const wrappers: readonly (readonly [string, string])[] = [
  ["$$", "$$"],
  ["\\(", "\\)"],
  ["\\[", "\\]"],
];
const symbols: readonly (readonly [RegExp, string])[] = [
  [/\\(?:cdot|times|ast)(?![a-zA-Z])|[×·∙⋅]/g, "*"],
  [/\\div(?![a-zA-Z])|÷|\u2044|\u2215/g, "/"],
  [/\\pi(?![a-zA-Z])|π/g, "pi"],
  [/\^\s*\{?\s*(?:\\circ|°)\s*\}?|\\degree(?![a-zA-Z])|°/g, " degrees"],
  [/\\(?:approx|simeq)(?![a-zA-Z])|[≈≃]/g, "≈"],
  [/\\(?:infty)(?![a-zA-Z])|∞/g, "infinity"],
  [/[\u2212\u2010-\u2015\uFE63\uFF0D]/g, "-"],
  [/√\s*\(/g, "sqrt("],
  [/√\s*(\d+)/g, "sqrt($1)"],
  [/\\([$%&#_])/g, "$1"],
  [/\{,\}/g, ","],
];
const textCommands =
  /\\(?:text|textbf|textit|textrm|textsf|mathrm|mathbf|mathit|mathsf|mbox|hbox|operatorname|boldsymbol)\s*\{/;

/** The answer as plain text: no LaTeX commands, `(a)/(b)` for fractions, ASCII signs, single spaces, no full stop at the end. */
export function plainText(answer: string): string {
  let text = unwrap(
    answer
      .replaceAll(/(?<=\d)(?=[¼-¾⅐-⅞])/g, " ")
      .normalize("NFKC")
      .trim(),
  );
  text = text.replaceAll(removed, (found) => (/^\\\s|^~/.test(found) ? " " : ""));
  for (const [pattern, replacement] of symbols) text = text.replaceAll(pattern, replacement);
  text = replaceGroup(text, textCommands, ([inner = ""]) => ` ${inner} `, 1);
  text = replaceGroup(text, /\\[dtc]?frac(?![a-zA-Z])\s*/, ([a = "", b = ""]) => ` ((${a})/(${b}))`, 2);
  text = replaceGroup(text, /\\sqrt\s*(?:\[\s*2\s*\]\s*)?(?!\[)/, ([a = ""]) => ` sqrt(${a})`, 1);
  text = text.replaceAll(/\^\s*\{([^{}]*)\}/g, "^($1)");
  text = text.replaceAll(/\s+/g, " ").trim();
  return text.replace(/(?<=[^.])\s*[.;,]$/, "").trim();
}

function unwrap(text: string): string {
  for (const [open, close] of wrappers) {
    if (text.startsWith(open) && text.endsWith(close) && text.length > open.length + close.length) {
      return unwrap(text.slice(open.length, -close.length).trim());
    }
  }
  const single = /^\$((?:[^$\\]|\\.)*)\$$/.exec(text);
  return single ? unwrap((single[1] ?? "").trim()) : text;
}

/** Replaces each `command{a}{b}` (or `command ab`, single characters) by what `write` makes of its arguments. */
function replaceGroup(text: string, command: RegExp, write: (parts: string[]) => string, count: number): string {
  const nested = command.source.endsWith("\\{");
  let rest = text;
  for (let rounds = 0; rounds < 50; rounds += 1) {
    const found = command.exec(rest);
    if (!found) return rest;
    let at = found.index + found[0].length - (nested ? 1 : 0);
    const parts: string[] = [];
    for (let i = 0; i < count; i += 1) {
      while (rest[at] === " ") at += 1;
      const end = rest[at] === "{" ? closingBrace(rest, at) : at;
      if (end < 0 || end >= rest.length) return rest;
      parts.push(rest[at] === "{" ? rest.slice(at + 1, end) : (rest[at] ?? ""));
      at = end + 1;
    }
    rest = rest.slice(0, found.index) + write(parts) + rest.slice(at);
  }
  return rest;
}

/** Index of the brace that closes the one at `open`, or -1. A brace after a backslash does not count. */
export function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    const char = text[at];
    if (char === "\\") at += 1;
    else if (char === "{") depth += 1;
    else if (char === "}") {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}
