import { expect, test } from "vitest";
import { legacyArguments } from "../../../bin/commands/run-commands.ts";

test.each([
  [
    ["--conf", "x.yaml", "--backbone=debug", "--with-logview"],
    ["submit", "x.yaml", "--backbone=debug", "--with-logview"],
  ],
  [
    ["--backbone", "debug", "--conf=x.yaml"],
    ["submit", "x.yaml", "--backbone", "debug"],
  ],
  [["--kill=python|ray|vllm"], ["kill"]],
  [["--kill", "python|ray"], ["kill"]],
  [
    ["submit", "x.yaml", "--resume"],
    ["submit", "x.yaml", "--resume"],
  ],
  [
    ["--with-ray", "--conf", "x.yaml"],
    ["submit", "x.yaml", "--with-ray=here"],
  ],
  [
    ["submit", "--with-ray=1.2.3.4:5", "x.yaml"],
    ["submit", "--with-ray=1.2.3.4:5", "x.yaml"],
  ],
  [["--help"], ["--help"]],
])("the launcher's %j means %j", (given, expected) => {
  expect(legacyArguments(given)).toEqual(expected);
});
