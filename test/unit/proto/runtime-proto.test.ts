import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, encodeFrame } from "../../../proto/index.ts";

const folder = new URL("../../../proto/", import.meta.url);

test("no .proto has a 64-bit integer", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".proto"));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    expect(readFileSync(new URL(file, folder), "utf8")).not.toMatch(/^[^/]*\b(u|s)?(int|fixed)64\b/m);
  }
});

test("a frame of calls and replies arrives as it was sent, with every default", () => {
  const value = {
    data: new Uint8Array([1, 2]),
    objects: [{ objectId: "o" }],
    actors: [{ actorId: "a", className: "C" }],
  };
  const bytes = encodeFrame({
    calls: [{ callId: 7, hostId: "h", method: "m", arguments: [value, {}] }],
    replies: [
      { callId: 7, values: { values: [value] } },
      { callId: 8, end: {} },
      { callId: 9, threw: { functionName: "f" } },
    ],
  });
  const { calls, replies, cancels } = decodeFrame(bytes);
  const [call] = calls;
  expect([call?.callId, call?.hostId, call?.lane, call?.streaming, call?.backpressure]).toEqual([7, "h", "", false, 0]);
  expect(call?.arguments[0]).toMatchObject({ objects: [{ objectId: "o" }], actors: [{ className: "C" }] });
  expect(replies.map(({ callId, outcome }) => [callId, outcome])).toEqual([
    [7, "values"],
    [8, "end"],
    [9, "threw"],
  ]);
  expect(cancels).toEqual([]);
});

test("bytes that are no frame throw an error or read as a frame, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeFrame(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 500 },
  );
});
