import { existsSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { kill, remote } from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { FaultCluster } from "../../fixtures/fault-cluster.ts";
import { KeepsFiles } from "../../fixtures/remote/keeps-files.ts";

let cluster: FaultCluster;
afterEach(() => cluster.close());

const gone = (files: readonly string[]) =>
  eventually(
    () => files.filter((file) => existsSync(file)),
    (left) => left.length === 0,
  );

test("what an actor keeps in files goes with its process, and with its node's, however they end", async () => {
  cluster = await FaultCluster.start({ nodes: [{ cpus: 4, gpus: 0 }] });
  const [one, other] = [remote(KeepsFiles).remote(), remote(KeepsFiles).remote()];
  const [ofOne, ofOther] = [await one.keep.remote(), await other.keep.remote()];
  expect([...ofOne, ...ofOther].every((file) => existsSync(file))).toBe(true);
  expect(new Set([...ofOne, ...ofOther]).size).toBe(4);
  await kill(one);
  await gone(ofOne);
  expect(ofOther.every((file) => existsSync(file))).toBe(true);
  await cluster.kill(cluster.node(0));
  await gone(ofOther);
  await cluster.accountFor();
});
