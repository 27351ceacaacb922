/**
 * Computes arithmetic as people write it in an answer: `+ - * / ^`, brackets, `sqrt`, `pi` and numbers. Exact
 * fractions as long as they stay exact, floating point after that. Anything else has no value.
 */

/** A number: an exact fraction, or a floating point approximation. */
export type Value =
  | { readonly exact: true; readonly numerator: bigint; readonly denominator: bigint }
  | { readonly exact: false; readonly number: number };

const longestText = 200;
const mostDigits = 400;
const token = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d{1,3})?|\.\d+(?:[eE][+-]?\d{1,3})?)|(sqrt|pi)|([-+*/^()]))/y;

/** The value of `text`, or undefined when it is not arithmetic, is not finite or is too large to be an answer. */
export function evaluate(text: string): Value | undefined {
  const tokens = text.length > longestText ? undefined : tokenise(text);
  if (!tokens || tokens.length === 0) return undefined;
  let at = 0;
  const take = (...wanted: readonly string[]): string | undefined =>
    wanted.includes(tokens[at] ?? "") ? tokens[at++] : undefined;

  function sum(): Value | undefined {
    let left = product();
    for (let sign = take("+", "-"); sign && left; sign = take("+", "-")) left = add(left, product(), sign === "-");
    return left;
  }
  function product(): Value | undefined {
    let left = signed();
    for (let sign = take("*", "/"); sign && left; sign = take("*", "/")) left = times(left, signed(), sign === "/");
    return left;
  }
  function signed(): Value | undefined {
    const sign = take("+", "-");
    const value = sign ? signed() : power();
    return sign === "-" && value ? times(value, whole(-1n)) : value;
  }
  function power(): Value | undefined {
    const base = atom();
    return base && take("^") ? raise(base, signed()) : base;
  }
  function atom(): Value | undefined {
    if (take("(")) {
      const inner = sum();
      return take(")") ? inner : undefined;
    }
    if (take("sqrt")) return raise(atom(), { exact: true, numerator: 1n, denominator: 2n });
    if (take("pi")) return { exact: false, number: Math.PI };
    const number = tokens?.[at];
    if (number === undefined || !/^[\d.]/.test(number)) return undefined;
    at += 1;
    return literal(number);
  }

  const value = sum();
  return at === tokens.length && value && isReasonable(value) ? value : undefined;
}

/** The value as floating point. */
export function toNumber(value: Value): number {
  if (!value.exact) return value.number;
  const { numerator, denominator } = value;
  const direct = Number(numerator) / Number(denominator);
  return Number.isFinite(direct) ? direct : Number(numerator / denominator);
}

/** `value` divided by a whole number that is not zero. */
export function dividedBy(value: Value, divisor: bigint): Value | undefined {
  return times(value, whole(divisor), true);
}

/** A product of two values, or a quotient. */
export function times(left: Value, right: Value | undefined, invert = false): Value | undefined {
  if (!right) return undefined;
  if (!left.exact || !right.exact) {
    return finite(invert ? toNumber(left) / toNumber(right) : toNumber(left) * toNumber(right));
  }
  if (invert && right.numerator === 0n) return undefined;
  return invert
    ? fraction(left.numerator * right.denominator, left.denominator * right.numerator)
    : fraction(left.numerator * right.numerator, left.denominator * right.denominator);
}

/** A whole number as a value. */
export function whole(numerator: bigint): Value {
  return { exact: true, numerator, denominator: 1n };
}

function tokenise(text: string): string[] | undefined {
  const tokens: string[] = [];
  const trimmed = text.trim();
  token.lastIndex = 0;
  while (token.lastIndex < trimmed.length) {
    const found = token.exec(trimmed);
    if (!found) return undefined;
    const word = found[1] ?? found[2] ?? found[3] ?? "";
    const before = tokens.at(-1) ?? "(";
    const startsFactor = word === "(" || word === "sqrt" || word === "pi";
    if (startsFactor && /[\d.)]$|^pi$/.test(before)) tokens.push("*");
    tokens.push(word);
  }
  return tokens;
}

function literal(text: string): Value | undefined {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [before = "", after = ""] = mantissa.split(".");
  const digits = before + after;
  const shift = Number(exponent) - after.length;
  if (digits.length > mostDigits || Math.abs(shift) > mostDigits) return undefined;
  const scale = 10n ** BigInt(Math.abs(shift));
  return shift >= 0 ? fraction(BigInt(digits) * scale, 1n) : fraction(BigInt(digits), scale);
}

function add(left: Value, right: Value | undefined, negate: boolean): Value | undefined {
  if (!right) return undefined;
  if (!left.exact || !right.exact) return finite(toNumber(left) + (negate ? -1 : 1) * toNumber(right));
  const other = (negate ? -right.numerator : right.numerator) * left.denominator;
  return fraction(left.numerator * right.denominator + other, left.denominator * right.denominator);
}

function raise(base: Value | undefined, exponent: Value | undefined): Value | undefined {
  if (!base || !exponent) return undefined;
  const power = toNumber(exponent);
  if (base.exact && Number.isInteger(power) && Math.abs(power) * digitsOf(base) <= mostDigits) {
    const size = BigInt(Math.abs(power));
    if (power < 0 && base.numerator === 0n) return undefined;
    const [up, down] = [base.numerator ** size, base.denominator ** size];
    return power < 0 ? fraction(down, up) : fraction(up, down);
  }
  const approximate = toNumber(base) ** power;
  const rounded = Math.round(approximate);
  const isExactRoot = base.exact && base.denominator === 1n && power === 0.5 && Number.isSafeInteger(rounded);
  if (isExactRoot && BigInt(rounded) ** 2n === base.numerator) return whole(BigInt(rounded));
  return finite(approximate);
}

function fraction(numerator: bigint, denominator: bigint): Value | undefined {
  if (denominator === 0n) return undefined;
  const sign = denominator < 0n ? -1n : 1n;
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator * sign];
  while (b !== 0n) [a, b] = [b, a % b];
  const divisor = a === 0n ? 1n : a;
  const value: Value = {
    exact: true,
    numerator: (numerator * sign) / divisor,
    denominator: (denominator * sign) / divisor,
  };
  return isReasonable(value) ? value : undefined;
}

function finite(number: number): Value | undefined {
  return Number.isFinite(number) ? { exact: false, number } : undefined;
}

function digitsOf(value: { readonly numerator: bigint; readonly denominator: bigint }): number {
  return value.numerator.toString(16).length + value.denominator.toString(16).length;
}

function isReasonable(value: Value): boolean {
  return value.exact ? digitsOf(value) <= 4 * mostDigits : Number.isFinite(value.number);
}
