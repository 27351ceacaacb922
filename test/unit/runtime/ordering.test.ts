import { expect, test } from "vitest";
import { type ActorHandle, ObjectRef, put, remote } from "../../../runtime/index.ts";
import { deferred, inBothModes, until } from "./both-modes.ts";

class Log {
  readonly lines: unknown[] = [];
  write(line: unknown): void {
    this.lines.push(line);
  }
  async read(): Promise<unknown[]> {
    return this.lines;
  }
}
class SyncLog {
  readonly lines: unknown[] = [];
  write(line: unknown): void {
    this.lines.push(line);
  }
  read(): unknown[] {
    return this.lines;
  }
}

inBothModes("ordering", () => {
  test("a sync actor runs one submitter's calls in the order in which they were made", async () => {
    const log = remote(SyncLog).remote();
    for (let i = 0; i < 200; i += 1) log.write.remote(i);
    expect(await log.read.remote()).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  test("a later call of the same submitter waits for an earlier one whose argument is not ready", async () => {
    const gate = deferred<string>();
    const late = remote(() => gate.promise).remote();
    const log = remote(SyncLog).remote();
    log.write.remote(late);
    const second = log.write.remote("second");
    gate.resolve("first");
    await second;
    expect(await log.read.remote()).toEqual(["first", "second"]);
  });

  test("a call that waits for its argument does not hold up another submitter", async () => {
    class Submitter {
      async write(log: ActorHandle<SyncLog>, line: string) {
        await log.write.remote(line);
      }
    }
    const gate = deferred<string>();
    const late = remote(() => gate.promise).remote();
    const log = remote(SyncLog).remote();
    const blocked = log.write.remote(late);
    await remote(Submitter).remote().write.remote(log, "from another");
    gate.resolve("at last");
    await blocked;
    expect(await log.read.remote()).toEqual(["from another", "at last"]);
  });

  test("in an async actor a ready call overtakes one whose argument is not ready", async () => {
    const gate = deferred<string>();
    const log = remote(Log).remote();
    const blocked = log.write.remote(remote(() => gate.promise).remote());
    await log.write.remote("ready");
    gate.resolve("late");
    await blocked;
    expect(await log.read.remote()).toEqual(["ready", "late"]);
  });

  test("a failed argument fails its call with that error and lets the next one run", async () => {
    const log = remote(SyncLog).remote();
    const failing = remote((): string => {
      throw new RangeError("no such line");
    });
    await expect(Promise.resolve(log.write.remote(failing.remote()))).rejects.toThrow(RangeError);
    await log.write.remote("next");
    expect(await log.read.remote()).toEqual(["next"]);
  });

  test("references at the top level are resolved, those inside a value are not", async () => {
    class Looks {
      async at(top: number, inside: { ref: ObjectRef<number> }) {
        return [top, inside.ref instanceof ObjectRef, await inside.ref];
      }
    }
    expect(
      await remote(Looks)
        .remote()
        .at.remote(put(1), { ref: put(2) }),
    ).toEqual([1, true, 2]);
  });
});

inBothModes("concurrency", () => {
  class Gate {
    running = 0;
    most = 0;
    async enter(open: number): Promise<void> {
      this.running += 1;
      this.most = Math.max(this.most, this.running);
      await until(() => this.running >= open || this.most >= open);
      this.running -= 1;
    }
    async peak() {
      return this.most;
    }
  }

  test("an async actor runs up to 1000 calls at once", async () => {
    const gate = remote(Gate).remote();
    await Promise.all(Array.from({ length: 1200 }, () => gate.enter.remote(999)));
    const most = await gate.peak.remote();
    expect(most).toBeGreaterThanOrEqual(999);
    expect(most).toBeLessThanOrEqual(1000);
  });

  test("maxConcurrency bounds it", async () => {
    const gate = remote(Gate).options({ maxConcurrency: 3 }).remote();
    await Promise.all(Array.from({ length: 20 }, () => gate.enter.remote(3)));
    expect(await gate.peak.remote()).toBe(3);
  });

  test("a concurrency group has a limit of its own and is not held up by the others", async () => {
    const gate = deferred();
    class Mixed {
      async slow() {
        await gate.promise;
      }
      async fast() {
        return "fast";
      }
    }
    const actor = remote(Mixed)
      .options({ maxConcurrency: 1, concurrencyGroups: { io: 2 } })
      .remote();
    const slow = [actor.slow.remote(), actor.slow.remote()];
    expect(await actor.fast.options({ concurrencyGroup: "io" }).remote()).toBe("fast");
    gate.resolve();
    await Promise.all(slow);
    expect(() => actor.fast.options({ concurrencyGroup: "gpu" })).not.toThrow();
    expect(() => actor.fast.options({ concurrencyGroup: "gpu" }).remote()).toThrow(/concurrencyGroups \(io\)/);
  });

  test("a sync class runs one call at a time, also where a method gives a promise", async () => {
    class Sync {
      running = 0;
      step(): Promise<number> {
        this.running += 1;
        const seen = this.running;
        return Promise.resolve().then(() => {
          this.running -= 1;
          return seen;
        });
      }
    }
    const actor = remote(Sync).remote();
    expect(await Promise.all(Array.from({ length: 10 }, () => actor.step.remote()))).toEqual(Array(10).fill(1));
  });
});
