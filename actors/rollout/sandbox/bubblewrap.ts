/** The command line that starts Python in bubblewrap: which Python, what it sees, and as whom it runs. */

import { execFile } from "node:child_process";
import { lstat, readlink, realpath, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A Python outside the sandbox that can be shown inside. */
export interface PythonPlace {
  readonly executable: string;
  /** The folder to show beside /usr, where Python is not part of it. */
  readonly prefix?: string;
}

/** The path of a program that is on the PATH or in /usr/bin, or undefined. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/bin"]) {
    const path = join(folder, name);
    if (folder !== "" && (await stat(path).catch(() => undefined))?.isFile()) return path;
  }
  return undefined;
}

/** Pythons to try, the system's own first, then the one on the PATH with its installation folder. */
export async function findPythons(): Promise<PythonPlace[]> {
  const places: PythonPlace[] = [];
  if (await stat("/usr/bin/python3").catch(() => undefined)) places.push({ executable: "/usr/bin/python3" });
  const onPath = await findProgram("python3");
  if (onPath === undefined || onPath === "/usr/bin/python3") return places;
  const question = "import sys; print(sys.base_prefix); print(sys.executable)";
  const answer = await run(onPath, ["-I", "-c", question], { timeout: 20_000 }).catch(() => undefined);
  const [prefix, executable] = answer?.stdout.trim().split("\n") ?? [];
  if (!prefix || !executable) return places;
  const real = await realpath(executable).catch(() => executable);
  const isInUsr = prefix === "/usr" || prefix.startsWith("/usr/");
  const inPrefix = real.startsWith(`${prefix}/`) ? real : join(prefix, "bin", "python3");
  return [...places, isInUsr ? { executable: real } : { executable: inPrefix, prefix }];
}

/**
 * Arguments for bwrap that start `python` on the files given as descriptors: nothing of the machine but /usr, the
 * libraries and Python's own folder, all read-only; no network; own process, user, IPC and host names.
 */
export async function bubblewrapArguments(
  python: PythonPlace,
  files: readonly { readonly fd: number; readonly path: string }[],
  program: readonly string[],
): Promise<string[]> {
  const system: string[] = [];
  for (const folder of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    const facts = await lstat(folder).catch(() => undefined);
    if (facts?.isSymbolicLink()) system.push("--symlink", await readlink(folder), folder);
    else if (facts?.isDirectory()) system.push("--ro-bind", folder, folder);
  }
  const prefix = python.prefix === undefined ? [] : ["--ro-bind", python.prefix, python.prefix];
  const given = files.flatMap(({ fd, path }) => ["--ro-bind-data", String(fd), path]);
  return [
    ...["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    ...["--uid", "65534", "--gid", "65534", "--hostname", "sandbox", "--cap-drop", "ALL"],
    ...["--new-session", "--die-with-parent"],
    ...["--ro-bind", "/usr", "/usr", ...system, ...prefix],
    ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm", "--tmpfs", "/tmp", ...given],
    ...["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"],
    ...[python.executable, "-I", "-B", "-X", "utf8", ...program],
  ];
}
