// Makes .venv with the pinned Python packages of the training kernel, and of vLLM's CPU build where asked.
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

/** `.venv` beside package.json; `withVllm` adds vLLM. An environment that has vLLM serves both. */
export async function installPython(root, { withVllm }) {
  const kernel = join(root, "actors", "learner", "kernel");
  const venv = join(root, ".venv");
  const tools = join(root, ".astune", "tools");
  const lock = (name) => join(kernel, name);
  const full = join(venv, ".astune-stamp-vllm");
  const install = async (file, note) => {
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
    if (!existsSync(join(venv, "bin", "python")))
      await checked("uv venv", uv, ["venv", "-q", "--python", python, venv]);
    say(note);
    await checked("uv", uv, ["pip", "sync", "--python", join(venv, "bin", "python"), file]);
  };
  if (withVllm) {
    await once(full, [lock("requirements-vllm.lock")], () =>
      install(lock("requirements-vllm.lock"), "installing PyTorch, transformers and vLLM's CPU build (some 6 GB)"),
    );
    return;
  }
  if (existsSync(full)) return;
  await once(join(venv, ".astune-stamp"), [lock("requirements.lock")], () =>
    install(lock("requirements.lock"), "installing PyTorch and transformers (some 3 GB)"),
  );
}
