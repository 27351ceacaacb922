import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePacket, encodePacket } from "../../../proto/index.ts";

const folder = new URL("../../../proto/", import.meta.url);

test("no .proto has a 64-bit integer", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".proto"));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    expect(readFileSync(new URL(file, folder), "utf8")).not.toMatch(/^[^/]*\b(u|s)?(int|fixed)64\b/m);
  }
});

test("a packet arrives as it was sent", () => {
  const frame = Buffer.from([1, 2, 3]);
  const {
    sequence,
    acknowledged,
    frame: arrived,
  } = decodePacket(encodePacket({ sequence: 7, acknowledged: 0, frame }));
  expect([sequence, acknowledged, [...arrived]]).toEqual([7, 0, [1, 2, 3]]);
});

test("bytes that are no packet throw an error or read as a packet, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodePacket(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 500 },
  );
});
