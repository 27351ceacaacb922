import { expect, test } from "vitest";
import { KernelDiedError } from "../../../actors/index.ts";
import { type Attempt, isLoss, throughLosses } from "../../../backbones/trinity/losses.ts";
import { UserError } from "../../../configs/index.ts";
import { ActorDiedError, ActorUnavailableError } from "../../../runtime/index.ts";

const actor = { actorId: "a", className: "LearnerActor" };
const kernelDied = () =>
  new KernelDiedError(
    { exitCode: undefined, signal: "SIGKILL", lastOutput: [], logFile: "kernel.log" },
    "during train",
  );

/** Runs that end as given, one after another; what each was told, and what was said. */
function runsOf(...ends: readonly { readonly error?: Error; readonly checkpoint?: number }[]) {
  const attempts: Attempt[] = [];
  const said: string[] = [];
  let newest = -1;
  const stop = new AbortController();
  const outcome = () =>
    throughLosses(
      async (attempt) => {
        const { error, checkpoint = newest } = ends[attempts.length] ?? {};
        attempts.push(attempt);
        newest = checkpoint;
        if (error) throw error;
        return "done";
      },
      {
        first: { resume: false, afterLoss: false },
        newestCheckpoint: async () => newest,
        say: (line) => said.push(line),
        signal: stop.signal,
      },
    );
  return { attempts, said, stop, outcome };
}

test("an actor, its process or its machine that is gone is a loss; what a user can mend is none", () => {
  expect(isLoss(new ActorDiedError("dead", actor))).toBe(true);
  expect(isLoss(new ActorUnavailableError("away", actor))).toBe(true);
  expect(isLoss(new Error("wrapped", { cause: kernelDied() }))).toBe(true);
  expect(isLoss(new Error("a bug"))).toBe(false);
  const cause = new UserError({ where: "model.path", expected: "a model", found: "none" });
  expect(isLoss(new ActorDiedError("its constructor failed", actor, { cause }))).toBe(false);
});

test("after a loss the run goes on from its checkpoint, and says so", async () => {
  const run = runsOf({ error: kernelDied(), checkpoint: 4 }, {});
  expect(await run.outcome()).toBe("done");
  expect(run.attempts).toEqual([
    { resume: false, afterLoss: false },
    { resume: true, afterLoss: true },
  ]);
  expect(run.said).toEqual([expect.stringMatching(/^lost: The training kernel .*the checkpoint of step 4$/)]);
});

test("losses in a row without a checkpoint end the run; a checkpoint between them starts the count again", async () => {
  const loss = (checkpoint?: number) => ({ error: kernelDied(), ...(checkpoint !== undefined && { checkpoint }) });
  const hopeless = runsOf(loss(), loss(), loss(), loss(), {});
  await expect(hopeless.outcome()).rejects.toBeInstanceOf(KernelDiedError);
  expect(hopeless.attempts).toHaveLength(4);
  const slow = runsOf(loss(), loss(), loss(), loss(2), loss(), loss(), {});
  expect(await slow.outcome()).toBe("done");
});

test("what is no loss, and a run that was stopped, are not tried again", async () => {
  const wrong = runsOf({ error: new Error("a bug") }, {});
  await expect(wrong.outcome()).rejects.toThrow("a bug");
  const stopped = runsOf({ error: kernelDied() }, {});
  stopped.stop.abort();
  await expect(stopped.outcome()).rejects.toBeInstanceOf(KernelDiedError);
  expect(stopped.attempts).toHaveLength(1);
});
