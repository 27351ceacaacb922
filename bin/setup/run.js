// The commands behind `npm run …`. Each first installs what it needs, and nothing twice. Plain JavaScript without
// packages, because it runs before any package is there.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./command.js";
import { stop } from "./log.js";
import { installNodePackages } from "./node-packages.js";
import { installPython, installPythonHosts } from "./python-environment.js";
import { installSystemPackages } from "./system-packages.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const [target = "", ...rest] = process.argv.slice(2);

const node = (...args) => run(process.execPath, args, { cwd: root, stdio: "inherit" });
const checks = async (...args) => {
  const { verify } = await import("./verify.js");
  return verify(root, ...args);
};

const targets = {
  async build() {
    await installNodePackages(root);
    await node("--import", "./runtime/typescript/index.js", "configs/generate.ts");
    return run(join(root, "node_modules", ".bin", "tsc"), ["-p", root], { cwd: root });
  },
  async test() {
    await installNodePackages(root);
    await installPython(root, { withVllm: false });
    return checks("quick");
  },
  async verify() {
    await installSystemPackages(["bubblewrap", "chromium"]);
    await installNodePackages(root);
    await installPython(root, { withVllm: true });
    await installPythonHosts(root);
    return checks("whole");
  },
  async quickstart() {
    await installSystemPackages(["bubblewrap"]);
    await installNodePackages(root);
    await installPython(root, { withVllm: false });
    return node("bin/astune.js", "submit", "configs/quickstart.yaml", ...rest);
  },
  async agentscope() {
    await installNodePackages(root);
    await installPythonHosts(root);
    return 0;
  },
  async bench() {
    await installNodePackages(root);
    await installPython(root, { withVllm: true });
    return node("--import", "./runtime/typescript/index.js", "test/bench/run.ts", ...rest);
  },
};

const chosen = targets[target] ?? stop(`expected ${Object.keys(targets).join(", ")}, got "${target}"`);
process.exit(await chosen());
