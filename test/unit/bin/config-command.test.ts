/** `astune config show` and `astune config check`, as a user sees them. */

import { expect, test } from "vitest";
import { parse } from "yaml";
import { checkConfig, showConfig } from "../../../bin/commands/config.ts";
import { SMALLEST, yamlFolder } from "../configs/yaml-folder.ts";

const { folder, write } = yamlFolder();
write("models/tiny/config.json", "{}");

test("show prints YAML with every default, and warnings as its comments", async () => {
  const lines: string[] = [];
  await showConfig(write("conf.yaml", `${SMALLEST}    gamma: 0.5\n`), { set: ["seed=7"] }, (line) => lines.push(line));
  expect(lines[0]).toBe(
    `# warning: ${folder}/conf.yaml:6: astune.rollout.gamma: has no effect here: an episode has one reward, given to all its trained tokens`,
  );
  expect(parse(lines.join("\n"))).toMatchObject({ astune: { seed: 7, rollout: { num_repeat: 4, gamma: 0.5 } } });
});

test("check prints the warnings, then ok", async () => {
  const lines: string[] = [];
  await checkConfig(write("conf.yaml", `${SMALLEST}    gamma: 0.5\n`), (line) => lines.push(line));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^warning: .*conf\.yaml:6: astune\.rollout\.gamma: /);
  expect(lines[1]).toBe("ok");
});

test("check throws a line for what is wrong, and for a model that is not there", async () => {
  const check = (text: string) => checkConfig(write("wrong.yaml", text), () => undefined);
  await expect(check(`${SMALLEST}  sed: 1\n`)).rejects.toThrow(
    `${folder}/wrong.yaml:6: astune.sed: expected a known key, got "sed" (did you mean "seed"?)`,
  );
  await expect(check(SMALLEST.replace("models/tiny", "/no/model"))).rejects.toThrow(
    `${folder}/wrong.yaml:3: astune.model.path: expected a model folder, got no such folder: /no/model`,
  );
});
