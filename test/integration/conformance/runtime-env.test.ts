import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ActorDiedError, get, InvalidOptionError, RuntimeEnvSetupError, remote } from "../../../runtime/index.ts";
import { actorIn, failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Surroundings } from "../../fixtures/remote/surroundings.ts";
import { pid, variable } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("runtimeEnv", () => {
  test("what is not known of it is refused", () => {
    const refused = (runtimeEnv: object, message: RegExp) => {
      expect(() => remote(Surroundings).options({ runtimeEnv })).toThrow(message);
      expect(() => remote(pid).options({ runtimeEnv }).remote()).toThrow(InvalidOptionError);
    };
    refused({ conda: ["numpy"] }, /runtimeEnv.conda: expected one of envVars, workingDir, excludes, pip, npm, config/);
    refused({ pip: "numpy" }, /runtimeEnv.pip: expected an array of texts/);
    refused({ envVars: { A: 1 } }, /runtimeEnv.envVars.A: expected a text/);
    refused({ workingDir: "" }, /runtimeEnv.workingDir: expected a folder/);
  });

  test("a folder that is not there: RuntimeEnvSetupError", async () => {
    const runtimeEnv = { workingDir: "/there/is/no/such/folder" };
    const actor = remote(Surroundings).options({ runtimeEnv }).remote();
    expect(await failureOf(get(actor.pid.remote()))).toBeInstanceOf(RuntimeEnvSetupError);
    expect(await failureOf(remote(pid).options({ runtimeEnv }).remote())).toBeInstanceOf(RuntimeEnvSetupError);
    expect((await actorIn("DEAD", "Surroundings")).deathCause?.message).toMatch(/there\/is\/no/);
  });
});

onEveryRuntime(
  "runtimeEnv of a process",
  (place) => {
    test("envVars are the actor's and the task's alone", async () => {
      const runtimeEnv = { envVars: { COLOUR: "red" } };
      expect(await remote(Surroundings).options({ runtimeEnv }).remote().variable.remote("COLOUR")).toBe("red");
      expect(await remote(Surroundings).remote().variable.remote("COLOUR")).toBeNull();
      expect(await remote(variable).options({ runtimeEnv }).remote("COLOUR")).toBe("red");
      const seen = await get([1, 2, 3].map(() => remote(variable).remote("COLOUR")));
      expect(seen).toEqual([null, null, null]);
    });

    test("workingDir is the process's folder, a copy of this machine's", async () => {
      const workingDir = join(place.facts.folder, "work");
      mkdirSync(workingDir);
      const actor = remote(Surroundings).options({ runtimeEnv: { workingDir } }).remote();
      const folder = await actor.folder.remote();
      expect(folder).not.toBe(realpathSync(workingDir));
      expect(folder).toMatch(/environments\/folder-\w+$/);
    });

    test("an actor whose class cannot be loaded there is dead with what kept it", async () => {
      const { withoutExport } = await import("../../fixtures/remote/unexported.ts");
      const actor = withoutExport().remote();
      const error = await failureOf(get(actor.go.remote()));
      expect(error.message).toMatch(/does not export Hidden/);
      expect(error instanceof RuntimeEnvSetupError || error instanceof ActorDiedError).toBe(true);
    });
  },
  { modes: ["cluster"] },
);
