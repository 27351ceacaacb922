// Stands in for `vllm serve`: a real process on a real socket that serves, dies, says nothing or will not end.
import { spawn } from "node:child_process";
import { createServer } from "node:http";

const [behaviour, ...args] = process.argv.slice(2);
console.log(args.join(" "));
console.log(`dev mode ${process.env.VLLM_SERVER_DEV_MODE}`);

if (behaviour === "die") {
  console.error("CUDA out of memory");
  process.exitCode = 3;
} else if (behaviour === "silent") {
  setInterval(() => {}, 1_000);
} else {
  if (behaviour === "stubborn") {
    process.on("SIGTERM", () => {});
    spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], {
      stdio: "inherit",
    });
  }
  const replies = {
    "/health": {},
    "/version": { version: "0.99.0" },
    "/openapi.json": { components: { schemas: { CompletionRequest: { properties: { return_token_ids: {} } } } } },
  };
  createServer((request, response) => response.end(JSON.stringify(replies[request.url] ?? null))).listen(
    args[args.indexOf("--uds") + 1],
  );
}
