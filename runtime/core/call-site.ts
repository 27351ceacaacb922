// Where in the user's code something was asked for.
const runtimeFolder = new URL("..", import.meta.url).pathname;

/** The first line of the stack outside the runtime. */
export function callSite(): string {
  const lines = new Error().stack?.split("\n").slice(1) ?? [];
  return lines.find((line) => !line.includes(runtimeFolder))?.trim() ?? "";
}
