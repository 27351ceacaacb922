// Installs Debian packages where that is possible without asking anybody: as root, with apt-get. Elsewhere it says
// what is missing and what is used in its place.
import { ask, run } from "./command.js";
import { say } from "./log.js";

const PACKAGES = {
  bubblewrap: { test: ["bwrap", ["--version"]], without: "the sandbox is Pyodide" },
  chromium: { test: ["chromium", ["--version"]], without: "browser tests are skipped" },
};

/** Installs the named packages that are missing; never fails. */
export async function installSystemPackages(names) {
  const missing = names.filter((name) => ask(...PACKAGES[name].test) === undefined);
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && ask("apt-get", ["--version"]) !== undefined) {
    say(`installing the Debian packages ${missing.join(", ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-qq"], { env, stdio: "ignore" });
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], { env, stdio: "ignore" });
  }
  for (const name of missing) {
    const { test, without } = PACKAGES[name];
    if (ask(...test) === undefined) say(`${name} is not installed: ${without} (apt-get install ${name})`);
  }
}
