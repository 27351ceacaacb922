// What the setup prints: one line a step, so that a newcomer sees what is being done and how long it took.

const started = Date.now();

/** Prints one line with the seconds since the command began. */
export function say(text) {
  const seconds = ((Date.now() - started) / 1000).toFixed(0).padStart(4);
  process.stderr.write(`[${seconds} s] ${text}\n`);
}

/** Ends the command with one line that says what is missing and what to do; exit code 2. */
export function stop(text) {
  process.stderr.write(`astune setup: ${text}\n`);
  process.exit(2);
}
