// The worker thread in which Pyodide runs code of the model. Before the first code runs, this thread gives up every
// power that JavaScript has here: Python is cut off from JavaScript, code cannot be made from strings, and what is left
// of Node answers nothing. After each run the whole of Python's memory is put back as it was before the first.
import { builtinModules, createRequire, syncBuiltinESMExports } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { loadPyodide } from "pyodide";

const powersOfProcess = [
  ...[
    "binding",
    "_linkedBinding",
    "dlopen",
    "getBuiltinModule",
    "kill",
    "_kill",
    "abort",
    "reallyExit",
    "chdir",
    "umask",
  ],
  ...["setuid", "setgid", "seteuid", "setegid", "setgroups", "initgroups", "openStdin", "loadEnvFile", "_debugProcess"],
  ...["_debugEnd", "_rawDebug", "setSourceMapsEnabled", "setUncaughtExceptionCaptureCallback", "_getActiveHandles"],
];
const { memoryBytes, outputBytes, fileBytes, runnerSource } = workerData;
const port = parentPort;
const bytesOf = Buffer.from;
const joined = Buffer.concat;
capMemory(WebAssembly.Memory.prototype);
const pyodide = await loadPyodide({ jsglobals: Object.create(null), env: { HOME: "/tmp", LANG: "C.UTF-8" } });
const { FS, _module: machine } = pyodide;
const noInput = () => undefined;
pyodide.setStdin({ stdin: noInput, isatty: false });
let output = { stdout: [], stderr: [], size: 0 };
pyodide.setStdout({ write: (bytes) => keep("stdout", bytes) });
pyodide.setStderr({ write: (bytes) => keep("stderr", bytes) });
const runner = pyodide.runPython(runnerSource);
closeFiles();
gutNode();
closeLanguage();
runner("print(1)\n1/0");
emptyFolder("/tmp");
const image = machine.HEAPU8.slice();
port.on("message", (code) => {
  output = { stdout: [], stderr: [], size: 0 };
  let reply;
  try {
    reply = { kind: "done", returnCode: runner(code) };
  } catch (error) {
    reply = { kind: "broken", message: String(error?.message ?? error).slice(-500) };
  }
  if (output.size > outputBytes) reply = { kind: "flood" };
  port.postMessage({ ...reply, ...taken() });
  restore();
  port.postMessage({ kind: "ready" });
});
port.postMessage({ kind: "ready" });

function keep(stream, bytes) {
  const room = outputBytes - output.size;
  output[stream].push(bytesOf(bytes.subarray(0, Math.max(0, room))));
  output.size += bytes.length;
  if (output.size > outputBytes) throw new FS.ErrnoError(pyodide.ERRNO_CODES.EIO);
  return bytes.length;
}

function taken() {
  return { stdout: joined(output.stdout).toString("utf8"), stderr: joined(output.stderr).toString("utf8") };
}

function restore() {
  emptyFolder("/tmp");
  machine.HEAPU8.set(image);
  machine.HEAPU8.fill(0, image.length);
}

function capMemory(prototype) {
  const grow = prototype.grow;
  prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 65536 > memoryBytes) throw new RangeError("memory limit");
    return grow.call(this, pages);
  };
}

// Files: only /tmp can be written, up to a limit; the host's file system cannot be mounted.
function closeFiles() {
  for (const name of ["NODEFS", "WORKERFS", "PROXYFS", "IDBFS", "NATIVEFS_ASYNC"]) delete FS.filesystems[name];
  const { EROFS: readOnly, EPERM: notPermitted, EFBIG: tooLarge } = pyodide.ERRNO_CODES;
  const refuse = (errno) => {
    throw new FS.ErrnoError(errno);
  };
  const isTmp = (path) => /^\/tmp(\/|$)/.test(path);
  const isInTmp = (path) => {
    const whole = path.startsWith("/") ? path : `${FS.cwd()}/${path}`;
    return isTmp(FS.getPath(FS.lookupPath(whole.replace(/\/+[^/]*\/*$/, "") || "/", { follow: true }).node));
  };
  const open = FS.open;
  FS.open = (path, flags, mode) => {
    const writes = typeof flags === "string" ? /[wa+]/.test(flags) : (flags & 3) !== 0 || (flags & 0o1100) !== 0;
    if (writes && !String(path).startsWith("/dev/") && !isInTmp(path)) refuse(readOnly);
    return open(path, flags, mode);
  };
  const changes = { mkdir: 1, rmdir: 1, unlink: 1, mknod: 1, truncate: 1, chmod: 1, chown: 1, utime: 1, rename: 2 };
  for (const [name, paths] of Object.entries(changes)) {
    const original = FS[name];
    FS[name] = (...args) => {
      for (const path of args.slice(0, paths)) if (typeof path === "string" && !isInTmp(path)) refuse(readOnly);
      return original(...args);
    };
  }
  for (const name of ["symlink", "mount", "unmount"]) FS[name] = () => refuse(notPermitted);
  const write = FS.write;
  FS.write = (stream, buffer, offset, length, position, canOwn) => {
    if (stream.node && FS.isFile(stream.node.mode) && (stream.position ?? 0) + length > fileBytes) refuse(tooLarge);
    return write(stream, buffer, offset, length, position, canOwn);
  };
}

function emptyFolder(path) {
  for (const name of FS.readdir(path)) {
    if (name === "." || name === "..") continue;
    const whole = `${path}/${name}`;
    const { mode } = FS.lstat(whole);
    if (FS.isDir(mode)) {
      emptyFolder(whole);
      FS.rmdir(whole);
    } else FS.unlink(whole);
  }
}

// Node: each function of each built-in module, and of process, refuses. This thread has its own copies of them.
function gutNode() {
  const require = createRequire(import.meta.url);
  const denied = () => {
    throw new Error("not allowed in the sandbox");
  };
  const kept = new Set([
    "buffer",
    "domain",
    "trace_events",
    "punycode",
    "process",
    "events",
    "util",
    "util/types",
    "string_decoder",
    "timers",
    "worker_threads",
    "perf_hooks",
  ]);
  process.removeAllListeners("warning");
  const modules = builtinModules
    .filter((name) => !kept.has(name) && !name.startsWith("_"))
    .map((name) => require(name));
  const threads = require("node:worker_threads");
  for (const each of modules) gut(each, denied);
  gut(threads, denied, [
    "Worker",
    "BroadcastChannel",
    "MessageChannel",
    "receiveMessageOnPort",
    "moveMessagePortToContext",
  ]);
  syncBuiltinESMExports();
  gut(process, denied, powersOfProcess);
  process.env = {};
  for (const name of [
    "process",
    "fetch",
    "WebSocket",
    "EventSource",
    "BroadcastChannel",
    "MessageChannel",
    "navigator",
    "require",
    "Worker",
    "crypto",
  ]) {
    delete globalThis[name];
  }
}

function gut(target, denied, names = Object.getOwnPropertyNames(target)) {
  for (const name of names) {
    const facts = Object.getOwnPropertyDescriptor(target, name);
    if (!facts || typeof facts.value !== "function") continue;
    try {
      Object.defineProperty(target, name, { ...facts, value: denied });
    } catch {
      // Not configurable; none of these has a power (checked by the tests).
    }
  }
}

// The language: no way from any function or object to code made from a string.
function closeLanguage() {
  const kinds = [() => {}, async () => {}, function* () {}, async function* () {}];
  for (const each of kinds) Object.defineProperty(Object.getPrototypeOf(each), "constructor", { value: undefined });
  Reflect.deleteProperty(globalThis, "eval");
  Reflect.deleteProperty(globalThis, "Function");
}
