import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, encodeFrame, kind, type Message } from "../../../runtime/wire/index.ts";

test("messages arrive in their order, with bytes as bytes", () => {
  const data = new Uint8Array([1, 2]);
  const messages: Message[] = [
    [kind.call, 7, "host", "add", [data, [data, [["o", "unix:/a"]], []]], "", 1, false, 0],
    [kind.values, 7, [data]],
    [kind.end, 8],
    [kind.request, 4_294_967_295, "createActor", { name: "x", numbers: [1.5, -1] }],
  ];
  const arrived = decodeFrame(encodeFrame(messages));
  expect(arrived.map((message) => message[0])).toEqual([kind.call, kind.values, kind.end, kind.request]);
  expect(arrived[0]?.[4]).toEqual([Buffer.from(data), [Buffer.from(data), [["o", "unix:/a"]], []]]);
  expect(arrived[3]).toEqual(messages[3]);
});

test("bytes that are no frame throw an error, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const message of decodeFrame(bytes)) expect(typeof message[0]).toBe("number");
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 500 },
  );
});
