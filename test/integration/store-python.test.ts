import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { decodeLarge, encodeLarge, objectParts, objectSections, Tensor } from "../../runtime/wire/index.ts";
import { clientOf, mib, openStore } from "../unit/store/store-folder.ts";

const root = join(import.meta.dirname, "..", "..");
const python = process.env["ASTUNE_PYTHON"] ?? join(root, ".venv", "bin", "python");

const value = {
  text: "∑ shared",
  nothing: null,
  large: 2n ** 100n,
  at: new Date(1_700_000_000_123),
  list: [1, -1.5, true, { deep: Buffer.from("bytes") }],
  doubles: Float64Array.from({ length: 10_000 }, (_, i) => i / 7),
  longs: BigInt64Array.from({ length: 1000 }, (_, i) => -(2n ** 60n) + BigInt(i)),
  flags: new Tensor("b1", [2, 2500], new Uint8Array(5000).fill(1)),
  half: new Tensor(
    "f2",
    [3000],
    Uint16Array.from({ length: 3000 }, (_, i) => i),
  ),
  brain: new Tensor(
    "bf16",
    [30, 100],
    Uint16Array.from({ length: 3000 }, (_, i) => i),
  ),
  matrix: new Tensor("f4", [20, 100], new Float32Array(2000).fill(0.1)),
  blob: Buffer.alloc(9001, 3),
  small: new Int32Array([1, 2, 3]),
};

test("Python reads an object of TypeScript's where it lies, and TypeScript what Python writes: the same value", async () => {
  const server = openStore();
  const client = clientOf(server, "ts");
  const { parts, totalBytes } = objectParts(encodeLarge(value, "value"), Buffer.from("companions"));
  await client.write("there", parts, totalBytes);
  const sealed = await server.pin("py", "there");
  const { segment, capacityBytes } = await server.create("py", mib);
  const args = [server.folder, sealed?.segment, sealed?.bytes, segment, capacityBytes].map(String);
  const { stdout } = await promisify(execFile)(python, [join(root, "test", "fixtures", "store", "echo.py"), ...args]);
  const { length, over } = JSON.parse(stdout) as { length: number; over: Record<string, boolean> };
  expect(over).toEqual({
    ...Object.fromEntries(["doubles", "longs", "flags", "half", "brain", "matrix"].map((name) => [name, true])),
    small: false,
  });
  server.seal("py", segment, "back", length);
  const { head, buffers, companions } = objectSections((await client.read("back")).bytes);
  expect(decodeLarge(head, buffers)).toStrictEqual(value);
  expect(Buffer.from(companions).toString()).toBe("companions");
});
