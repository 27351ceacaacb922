/** A driver that comes, has an actor and a task, says so, and leaves when it is told to. */

import { get, init, remote, shutdown } from "../../../runtime/index.ts";
import { add, Counter } from "../../fixtures/remote/counter.ts";

const [address = "", tokenFile = ""] = process.argv.slice(2);
process.on("SIGTERM", async () => {
  await shutdown();
  process.exit(0);
});
await init({ address, tokenFile });
const counter = remote(Counter).options({ numCpus: 0 }).remote(1);
await get([counter.add.remote(1), remote(add).remote(1, 2)]);
console.log("here");
setInterval(() => counter, 1000);
