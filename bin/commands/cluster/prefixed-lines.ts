/** Lines of several outputs in one, each with whose it is, as Ray's drivers print them. */

import type { LogSource } from "../../../runtime/control/index.ts";

export class PrefixedLines {
  readonly #write: (text: string) => void;
  readonly #json: boolean;
  readonly #rests = new Map<string, { readonly source: LogSource; text: string }>();

  /** `json`: an object for each line. */
  constructor(write: (text: string) => void, json: boolean) {
    this.#write = write;
    this.#json = json;
  }

  /** Writes the whole lines of what has come from a source; the rest waits for its end. */
  add(source: LogSource, text: string): void {
    const key = `${source.nodeId} ${source.pid} ${source.jobId}`;
    const lines = ((this.#rests.get(key)?.text ?? "") + text).split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) this.#line(source, line);
    this.#rests.set(key, { source, text: rest });
  }

  /** Writes what waits. */
  flush(): void {
    for (const { source, text } of this.#rests.values()) if (text !== "") this.#line(source, text);
    this.#rests.clear();
  }

  #line(source: LogSource, line: string): void {
    const { name, pid, nodeId, actorId, jobId } = source;
    if (this.#json) {
      this.#write(`${JSON.stringify({ name, pid, node_id: nodeId, actor_id: actorId, job_id: jobId, line })}\n`);
    } else this.#write(`(${name || "tasks"} pid=${pid}) ${line}\n`);
  }
}
