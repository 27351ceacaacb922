// Whether a process that has gone quiet is gone: its machine answers that nobody listens at its address any more. A
// machine that does not answer says nothing either way.
import { connect } from "node:net";
import { parseAddress } from "../control/index.ts";

const timeoutMs = 2_000;

/** True only where the connection is refused. */
export function isRefused(address: string): Promise<boolean> {
  const { tcp, socket } = parseAddress(address);
  const [host, port] = splitPort(tcp);
  if (tcp === "" && socket === "") return Promise.resolve(false);
  const client = tcp === "" ? connect(socket) : connect(port, host);
  return new Promise((resolve) => {
    const done = (refused: boolean) => {
      client.destroy();
      resolve(refused);
    };
    client.setTimeout(timeoutMs, () => done(false));
    client.on("connect", () => done(false));
    client.on("error", ({ code }: NodeJS.ErrnoException) => done(code === "ECONNREFUSED" || code === "ENOENT"));
  });
}

function splitPort(tcp: string): [host: string, port: number] {
  const at = tcp.lastIndexOf(":");
  return [tcp.slice(0, at), Number(tcp.slice(at + 1))];
}
