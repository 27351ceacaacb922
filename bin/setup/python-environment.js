// Makes .venv with the pinned Python packages of the training kernel, and of vLLM's CPU build where asked; and .venv-hosts
// with those of workflows written in Python, which do not go together with vLLM's.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ask, run } from "./command.js";
import { say, stop } from "./log.js";
import { once } from "./stamp.js";

const UV = "uv==0.13.9";
const WANTED = "import sys; sys.exit(0 if sys.version_info[:2] == (3, 11) else 1)";

function findPython() {
  const candidates = [process.env.ASTUNE_SETUP_PYTHON, "python3.11", "python3", "python"].filter(Boolean);
  const found = candidates.find((python) => ask(python, ["-c", WANTED]) !== undefined);
  return found ?? stop("Python 3.11 was not found; install it, or name it in ASTUNE_SETUP_PYTHON");
}

async function checked(what, file, args, options) {
  const status = await run(file, args, options);
  if (status !== 0) stop(`${what} ended with status ${status}; its lines above say why`);
}

/** Makes `venv`, if it is not there, and gives it exactly the packages of a lock file. */
async function install(root, venv, file, note, flags = []) {
  const tools = join(root, ".astune", "tools");
  const python = findPython();
  if (!existsSync(join(tools, "bin", "uv"))) {
    say(`installing ${UV}, the installer of Python packages`);
    await checked("pip", python, [
      "-m",
      "pip",
      "install",
      "-q",
      "--disable-pip-version-check",
      "--root-user-action=ignore",
      "--target",
      tools,
      UV,
    ]);
  }
  const uv = join(tools, "bin", "uv");
  if (!existsSync(join(venv, "bin", "python"))) await checked("uv venv", uv, ["venv", "-q", "--python", python, venv]);
  say(note);
  await checked("uv", uv, ["pip", "sync", ...flags, "--python", join(venv, "bin", "python"), file]);
}

/** `.venv` beside package.json; `withVllm` adds vLLM. An environment that has vLLM serves both. */
export async function installPython(root, { withVllm }) {
  const venv = join(root, ".venv");
  const lock = (name) => join(root, "actors", "learner", "kernel", name);
  const full = join(venv, ".astune-stamp-vllm");
  if (withVllm) {
    const file = lock("requirements-vllm.lock");
    await once(full, [file], () =>
      install(root, venv, file, "installing PyTorch, transformers and vLLM's CPU build (some 6 GB)"),
    );
    return;
  }
  if (existsSync(full)) return;
  const file = lock("requirements.lock");
  await once(join(venv, ".astune-stamp"), [file], () =>
    install(root, venv, file, "installing PyTorch and transformers (some 3 GB)"),
  );
}

/** `.venv-hosts` beside package.json: what workflows and judges written in Python run in, with AgentScope. */
export async function installPythonHosts(root) {
  const venv = join(root, ".venv-hosts");
  const file = join(root, "actors", "python", "requirements-agentscope.lock");
  await once(join(venv, ".astune-stamp"), [file], () =>
    install(root, venv, file, "installing AgentScope for workflows in Python (some 200 MB)", ["--compile-bytecode"]),
  );
}
