/** What is generated from the schema is up to date and right. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { generatedFiles } from "../../../configs/generate.ts";
import { loadConfig } from "../../../configs/index.ts";
import { leaves, nodeAt } from "../../../configs/key-tree.ts";
import { SMALLEST, yamlFolder } from "./yaml-folder.ts";

const { write } = yamlFolder();
const root = new URL("../../../", import.meta.url);
const files = generatedFiles();
const fileOf = (path: string): string => files[path] ?? "";

test.each(Object.keys(files))("%s is what the schema gives (else run configs/generate.ts)", (path) => {
  expect(readFileSync(fileURLToPath(new URL(path, root)), "utf8")).toBe(files[path]);
});

test("the default YAML loads without a warning, to the defaults", async () => {
  const now = new Date(2026, 0, 1);
  const written = await loadConfig(write("a/conf.yaml", fileOf("configs/default.yaml")), { now });
  const smallest = await loadConfig(write("b/conf.yaml", SMALLEST), { now });
  expect(written.warnings).toEqual([]);
  const given = {
    model: written.config.model,
    agentscope_learn_protocol: written.config.rollout.agentscope_learn_protocol,
  };
  const { config } = smallest;
  expect(written.config).toEqual({
    ...config,
    model: given.model,
    rollout: { ...config.rollout, agentscope_learn_protocol: given.agentscope_learn_protocol },
  });
});

test("the reference page has a row for every key", () => {
  const page = fileOf("docs/configuration.md");
  for (const { path } of leaves(nodeAt(["astune"]), ["astune"])) expect(page).toContain(`\n| \`${path.at(-1)}\` | `);
});

describe("the JSON schema", () => {
  const json = JSON.parse(fileOf("configs/astune.schema.json")) as Parameters<typeof z.fromJSONSchema>[0];
  const schema = z.fromJSONSchema(json);
  const accepts = (text: string): boolean => schema.safeParse(parse(text, { merge: true })).success;

  test("takes the default YAML, the smallest file, empty sections and other spellings", () => {
    expect(accepts(fileOf("configs/default.yaml"))).toBe(true);
    expect(accepts(SMALLEST)).toBe(true);
    expect(accepts(`${SMALLEST}  data:\n`)).toBe(true);
    expect(
      accepts(
        "astune: { model: { path: m }, rollout: { user_workflow: a->B }, trainer_common: { kl_loss_type: low_var_kl } }",
      ),
    ).toBe(true);
    expect(accepts("astune: { model: { path: m } }\ntrinity: { max_staleness: 2 }")).toBe(true);
  });

  test("refuses an unknown key, a wrong value and a file without astune", () => {
    expect(accepts(`${SMALLEST}  rolout: {}\n`)).toBe(false);
    expect(accepts(`${SMALLEST}  seed: four\n`)).toBe(false);
    expect(accepts("{}")).toBe(false);
  });

  test("names its draft and has none of our own words", () => {
    const text = fileOf("configs/astune.schema.json");
    expect(json).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    for (const word of ["noEffect", "quietAt", "onlyOn", "defaultNote", "expects", "unit"])
      expect(text).not.toContain(`"${word}":`);
  });
});
