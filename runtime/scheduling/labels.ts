// Label selectors in Ray's grammar: "v", "!v", "in(a,b)", "!in(a,b)".

/** Whether a label's value (undefined: the node has no such label) satisfies one selector expression. */
export function labelMatches(expression: string, value: string | undefined): boolean {
  const negated = expression.startsWith("!");
  const body = negated ? expression.slice(1) : expression;
  const list = /^in\((.*)\)$/.exec(body);
  const wanted = list ? (list[1] as string).split(",").map((item) => item.trim()) : [body];
  return wanted.includes(value ?? "") ? !negated && value !== undefined : negated;
}

/** The first label that does not satisfy its expression, as a phrase; undefined if all do. */
export function labelRefusal(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): string | undefined {
  for (const [name, expression] of Object.entries(selector)) {
    const value = labels[name];
    if (!labelMatches(expression, value)) {
      return `label ${name} is ${value === undefined ? "not set" : JSON.stringify(value)}, ${JSON.stringify(expression)} is asked for`;
    }
  }
  return undefined;
}

const value = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?";
const grammar = new RegExp(`^!?(${value}|in\\(\\s*${value}(\\s*,\\s*${value})*\\s*\\))$`);

/** Whether an expression is in the grammar. */
export function isLabelExpression(expression: unknown): expression is string {
  return typeof expression === "string" && grammar.test(expression);
}
