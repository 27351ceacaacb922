import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { WebSocket } from "undici";
import { afterAll, expect, test } from "vitest";
import { root, Workplace } from "../fixtures/command-line.ts";

interface Paused {
  readonly callFrames: readonly { readonly location: { readonly scriptId: string; readonly lineNumber: number } }[];
  readonly hitBreakpoints: readonly string[];
}

const places: Workplace[] = [];
afterAll(() => Promise.all(places.map((place) => place.remove())));

/** A client of V8's inspector protocol, as an editor is one. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #replies = new Map<number, (result: Record<string, unknown>) => void>();
  /** The file of each script that was loaded. */
  readonly scripts = new Map<string, string>();
  #paused: (value: Paused) => void = () => undefined;
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(String(data)) as { id?: number; method?: string; result?: never; params?: never };
      if (message.id !== undefined) this.#replies.get(message.id)?.(message.result ?? {});
      else if (message.method === "Debugger.paused" && message.params) this.#paused(message.params);
      else if (message.method === "Debugger.scriptParsed" && message.params) {
        const { scriptId, url } = message.params as { scriptId: string; url: string };
        this.scripts.set(scriptId, url);
      }
    });
  }

  static async connect(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return new Inspector(socket);
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#replies.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** The next time the program stops. Call it before what makes it stop. */
  paused(): Promise<Paused> {
    return new Promise((resolve) => {
      this.#paused = resolve;
    });
  }

  close(): void {
    this.#socket.close();
  }
}

const BREAKPOINTS = [
  ["tutorial/example_math_agent/math_agent.ts", "const completion = await client"],
  ["actors/judge/math-answer-as-judge.ts", "return"],
  ["backbones/loop/tuning-loop.ts", "const samples = samplesOf("],
] as const;

test("on the debug backbone a breakpoint stops in a workflow, in a judge and in the loop, at the source's own line", async () => {
  const place = await Workplace.create();
  places.push(place);
  const settings = ["--set", "debug.debug_max_parallel=1", "--set", "trainer_common.val_before_train=false"];
  const args = [join(root, "bin", "astune.js"), "submit", await place.configure(), ...settings];
  const child = spawn(process.execPath, ["--inspect-brk=127.0.0.1:0", ...args], {
    cwd: place.folder,
    env: { ...process.env, ...place.environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const url = await new Promise<string>((resolve) => {
      let text = "";
      child.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const found = /ws:\/\/\S+/.exec(text);
        if (found) resolve(found[0]);
      });
    });
    const inspector = await Inspector.connect(url);
    await inspector.send("Runtime.enable");
    await inspector.send("Debugger.enable");
    const wanted = new Map<string, string>();
    for (const [file, text] of BREAKPOINTS) {
      const lines = (await readFile(join(root, file), "utf8")).split("\n");
      const lineNumber = lines.findIndex((line) => line.trim().startsWith(text));
      const url = pathToFileURL(join(root, file)).href;
      const { breakpointId } = await inspector.send("Debugger.setBreakpointByUrl", { url, lineNumber });
      wanted.set(String(breakpointId), `${url}:${lineNumber}`);
    }
    const atStart = inspector.paused();
    await inspector.send("Runtime.runIfWaitingForDebugger");
    await atStart;
    while (wanted.size > 0) {
      const stop = inspector.paused();
      await inspector.send("Debugger.resume");
      const { callFrames, hitBreakpoints } = await stop;
      const [hit = ""] = hitBreakpoints;
      const { scriptId = "", lineNumber = -1 } = callFrames[0]?.location ?? {};
      expect(`${inspector.scripts.get(scriptId)}:${lineNumber}`).toBe(wanted.get(hit));
      await inspector.send("Debugger.removeBreakpoint", { breakpointId: hit });
      wanted.delete(hit);
    }
    await inspector.send("Debugger.disable");
    inspector.close();
  } finally {
    child.kill("SIGKILL");
  }
});
