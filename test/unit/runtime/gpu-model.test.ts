import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { acceleratorTypeOf, findAcceleratorType } from "../../../runtime/placement/gpu-model.ts";

test.each([
  ["NVIDIA H100 80GB HBM3", "H100"],
  ["NVIDIA H200", "H200"],
  ["Tesla V100-SXM2-16GB", "V100"],
  ["NVIDIA A100-SXM4-80GB", "A100"],
  ["NVIDIA GeForce RTX 4090", "RTX"],
])("%s is an %s", (model, type) => {
  expect(acceleratorTypeOf(model)).toBe(type);
});

test("the driver's own files name the GPU; without them there is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "astune-gpus-"));
  mkdirSync(join(folder, "0000:01:00.0"));
  const information = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 42\n";
  writeFileSync(join(folder, "0000:01:00.0", "information"), information);
  expect(findAcceleratorType(folder)).toBe("H100");
  rmSync(folder, { recursive: true });
  expect(findAcceleratorType(folder)).toBeUndefined();
});
