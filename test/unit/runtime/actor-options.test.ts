import { describe, expect, test } from "vitest";
import { type ActorOptions, InvalidOptionError, method, remote, type TaskOptions } from "../../../runtime/index.ts";

class Plain {
  go() {}
}

describe("options that are not valid", () => {
  const cases: [string, ActorOptions, RegExp][] = [
    ["numCpus", { numCpus: -1 }, /numCpus: expected a number of at least 0, no finer than 0.0001, got -1/],
    ["numCpus", { numCpus: 0.00005 }, /no finer than 0.0001/],
    ["numGpus", { numGpus: 1.5 }, /numGpus: expected less than 1 .* or a whole number, got 1.5/],
    ["memory", { memory: 0.5 }, /whole bytes/],
    ["resources.CPU", { resources: { CPU: 1 } }, /resources.CPU: expected the option numCpus instead/],
    ["resources.GPU", { resources: { GPU: 1 } }, /resources.GPU: expected the option numGpus instead/],
    ["labelSelector.zone", { labelSelector: { zone: "in(a," } }, /labelSelector.zone: expected "v", "!v"/],
    ["lifetime", { lifetime: "forever" as "detached" }, /"detached" or "non_detached", got "forever"/],
    ["getIfExists", { getIfExists: true }, /a name beside it/],
    ["name", { name: "" }, /name: expected a text that is not empty/],
    ["maxRestarts", { maxRestarts: -2 }, /maxRestarts: expected a whole number of at least -1/],
    ["maxTaskRetries", { maxTaskRetries: 1.5 }, /maxTaskRetries: expected a whole number/],
    ["retryExceptions", { retryExceptions: "yes" as never }, /an array of error classes, got "yes"/],
    ["maxConcurrency", { maxConcurrency: 0 }, /maxConcurrency: expected a whole number of at least 1/],
    ["concurrencyGroups.io", { concurrencyGroups: { io: 0 } }, /concurrencyGroups.io/],
    ["maxPendingCalls", { maxPendingCalls: 0 }, /at least 1, or -1 for no limit/],
    ["schedulingStrategy", { schedulingStrategy: "RANDOM" as "SPREAD" }, /"DEFAULT", "SPREAD"/],
    ["maxRestart", { maxRestart: 1 } as ActorOptions, /maxRestart: expected one of the options/],
  ];

  test.each(cases)("%s %j is refused with one sentence", (option, options, message) => {
    expect(() => remote(Plain).options(options)).toThrow(message);
    try {
      remote(Plain).options(options);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toMatchObject({ code: "INVALID_OPTION", option });
    }
  });

  test("of a task are refused, too", () => {
    const task = remote(() => 1);
    expect(() => task.options({ maxRestarts: 1 } as TaskOptions)).toThrow(/maxRestarts: expected one of the options/);
    expect(() => task.options({ numReturns: 0 })).toThrow(/numReturns/);
  });

  test("a method's concurrency group has to be one of its actor's", () => {
    class Grouped {
      async read() {}
    }
    method(Grouped, "read", { concurrencyGroup: "io" });
    expect(() => remote(Grouped).options({ concurrencyGroups: { compute: 1 } })).toThrow(
      /concurrencyGroup of Grouped.read: expected one of the actor's concurrencyGroups \(compute\), got "io"/,
    );
    expect(() => remote(Grouped).options({ concurrencyGroups: { io: 1 } })).not.toThrow();
  });

  test("quantities of 0.0001 and sums of them are exact", () => {
    expect(() => remote(Plain).options({ numCpus: 0.0001, resources: { slot: 0.1 + 0.2 } })).not.toThrow();
  });
});
