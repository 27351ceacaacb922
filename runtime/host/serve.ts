// A host process from its start to its end: introduces itself to its node agent, is given one actor or tasks to run, and
// ends when the agent does.

import { ActorHandles, ClusterProcess, type Home } from "../cluster/index.ts";
import type { ActorStart, LeaseStart } from "../control/index.ts";
import { newId, type TaskId } from "../core/index.ts";
import { runtime } from "../current.ts";
import type { HostSettings } from "../node/index.ts";
import { loadTls, tokenVariable } from "../transport/index.ts";
import { ActorRunner } from "./actor-runner.ts";
import { HostRuntime } from "./host-runtime.ts";
import { TaskLog } from "./task-log.ts";
import { TaskRunner } from "./task-runner.ts";

// A bundle of this file is the runtime of the process that runs it.
export * from "../index.ts";
export * from "../jobs/index.ts";

/** Serves until the node agent ends this process. */
export async function serve(settings: HostSettings): Promise<void> {
  const token = process.env[tokenVariable] ?? "";
  // What the user's code starts need not know it.
  delete process.env[tokenVariable];
  process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0));
  process.stdin.resume();

  const { nodeId, sessionFolder, ip, agentSocket, hostId } = settings;
  const handles = new ActorHandles(() => void runtime());
  const own = new ClusterProcess({
    processId: newId<TaskId>(),
    token,
    tls: loadTls(settings.tls),
    nodeId,
    socketFolder: sessionFolder,
    ip,
    handles,
    borrowing: () => void runtime(),
  });
  await own.listen();
  let runner: ActorRunner | TaskRunner | undefined;
  const code = new HostRuntime(own, handles, settings);
  const tasks = new TaskLog((batch) => agent.tell("taskEvents", batch));
  const agent = own.connect(
    `unix:${agentSocket}`,
    {
      request(method, payload): unknown {
        switch (method) {
          case "startActor": {
            const start = payload as ActorStart;
            const { jobId, actorId, info, runtimeEnv } = start;
            code.begin({ jobId, namespace: info.namespace, actorId, runtimeEnv });
            const actor = new ActorRunner(start, own, settings, tasks, () => agent.tell("exiting", null));
            runner = actor;
            return actor.start();
          }
          case "startLease": {
            const start = payload as LeaseStart;
            const { jobId, namespace, runtimeEnv } = start;
            code.begin({ jobId, namespace, actorId: null, runtimeEnv });
            const leased = new TaskRunner(start, own, settings, tasks, (topic, payload) => agent.tell(topic, payload));
            runner = leased;
            return leased.start();
          }
          case "tasks":
            return tasks.take();
          case "letGo":
            return own.store.letGo();
          case "retire":
            return runner?.retire();
          case "endLease":
            return runner instanceof TaskRunner && runner.end();
          default:
            throw new Error(`a host does not know the question "${method}"`);
        }
      },
      ended: () => process.exit(0),
    },
    nodeId,
  );
  const home = (await agent.ask("register", { hostId, address: own.address })) as Omit<Home, "agent">;
  own.settle({ ...home, agent });
}
