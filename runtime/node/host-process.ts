// One actor host as its node agent sees it: a process of its own group, with its output in files, that ends when its agent
// does and leaves nothing behind.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAddress } from "../control/index.ts";
import { endMarkedProcesses, scratchVariable, sharedFolderName, sharedVariable } from "../processes/index.ts";
import type { Peer, TlsFiles } from "../transport/index.ts";
import { tokenVariable } from "../transport/index.ts";
import { nodeMark } from "./reaper.ts";

/** In the environment of a host and of everything that it starts. */
export const hostMark = "ASTUNE_HOST_ID";

export interface HostSettings {
  readonly hostId: string;
  readonly nodeId: string;
  readonly ip: string;
  readonly agentSocket: string;
  readonly headAddress: string;
  readonly sessionFolder: string;
  readonly tls?: TlsFiles | undefined;
}

const main = fileURLToPath(new URL("../host/main.js", import.meta.url));

/** How a host of one language is started. */
export interface HostProgram {
  readonly command: string;
  args(settings: string): readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `bundle`: the file that the host runs from; empty for the sources. */
export function typescriptHost(bundle: string): HostProgram {
  return { command: process.execPath, args: (settings) => [main, settings, bundle] };
}

const tailBytes = 2_000;

export class HostProcess {
  readonly settings: HostSettings;
  readonly child: ChildProcess;
  readonly outFile: string;
  readonly errorFile: string;
  /** Done when the process has told the agent that it is ready; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Done when the process and everything that it started are gone. */
  readonly gone: Promise<string>;
  peer: Peer | undefined;
  address = "";
  /** It has said that it will end by its own will. */
  intended = false;
  #isReady!: () => void;
  readonly #scratch: string;
  readonly #shared: string;

  constructor(settings: HostSettings, token: string, program: HostProgram) {
    this.settings = settings;
    this.#scratch = join(settings.sessionFolder, `h${settings.hostId}`);
    this.#shared = sharedFolderName(settings.nodeId, settings.hostId);
    const logs = join(settings.sessionFolder, "logs");
    this.outFile = join(logs, `worker-${settings.hostId}.out`);
    this.errorFile = join(logs, `worker-${settings.hostId}.err`);
    const out = openSync(this.outFile, "a");
    const errors = openSync(this.errorFile, "a");
    this.child = spawn(program.command, program.args(JSON.stringify(settings)), {
      // A pipe that nobody writes to: its end tells the host that the agent is gone.
      stdio: ["pipe", out, errors],
      detached: true,
      env: {
        ...process.env,
        ...program.env,
        [tokenVariable]: token,
        [scratchVariable]: this.#scratch,
        [sharedVariable]: this.#shared,
        [hostMark]: settings.hostId,
        [nodeMark]: settings.nodeId,
      },
    });
    closeSync(out);
    closeSync(errors);
    this.child.stdin?.on("error", () => {});
    this.gone = this.#watch();
    this.ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.gone.then((why) => reject(new Error(`a host ended before it was ready: ${why}`)), reject);
    });
    this.ready.catch(() => {});
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The host has introduced itself. */
  introduced(peer: Peer, address: string): void {
    this.peer = peer;
    this.address = address;
    this.#isReady();
  }

  /** Ends the process and everything that it started; done when all are gone. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.gone;
  }

  /** The end of its error output, for the message of its death. */
  lastOutput(): string {
    try {
      const file = openSync(this.errorFile, "r");
      const { size } = statSync(this.errorFile);
      const buffer = Buffer.alloc(Math.min(size, tailBytes));
      readSync(file, buffer, 0, buffer.length, Math.max(0, size - buffer.length));
      closeSync(file);
      return buffer.toString("utf8").trim();
    } catch {
      return "";
    }
  }

  async #watch(): Promise<string> {
    const how = await new Promise<string>((resolve) => {
      this.child.on("error", (error) => resolve(`it could not be started: ${error.message}`));
      this.child.on("exit", (code, signal) => {
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
    });
    await endMarkedProcesses(hostMark, this.settings.hostId);
    const { socket } = parseAddress(this.address);
    if (socket !== "") rmSync(socket, { force: true });
    for (const folder of [this.#scratch, this.#shared]) rmSync(folder, { recursive: true, force: true });
    const output = this.lastOutput();
    return output === "" ? how : `${how}; its last output:\n${output}`;
  }
}
