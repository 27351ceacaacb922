import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type InitOptions, init, remote, shutdown } from "../../../runtime/index.ts";
import { Cluster, ClusterProgram } from "../../fixtures/cluster.ts";
import { Counter } from "../../fixtures/remote/counter.ts";

/** An authority and a certificate that it has signed. */
function certificates(folder: string, name: string) {
  const file = (suffix: string) => join(folder, `${name}${suffix}`);
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    file("-ca.key"),
    "-out",
    file("-ca.pem"),
    "-days",
    "2",
    "-subj",
    `/CN=${name} authority`,
  );
  openssl("req", ...key, "-keyout", file(".key"), "-out", file(".csr"), "-subj", `/CN=${name}`);
  openssl(
    "x509",
    "-req",
    "-in",
    file(".csr"),
    "-CA",
    file("-ca.pem"),
    "-CAkey",
    file("-ca.key"),
    "-out",
    file(".pem"),
    "-days",
    "2",
  );
  return { cert: file(".pem"), key: file(".key"), ca: file("-ca.pem") };
}

describe("a cluster with mutual TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "astune-tls-"));
  const own = certificates(folder, "own");
  const foreign = certificates(folder, "foreign");
  const flags = (files: typeof own) => ["--tls-cert", files.cert, "--tls-key", files.key, "--tls-ca", files.ca];
  let cluster: Cluster;
  let options: InitOptions;
  beforeAll(async () => {
    cluster = await Cluster.start();
    await cluster.head.signal("SIGTERM");
    cluster.head = new ClusterProgram("astune-head", ["start", "--port", "0", ...flags(own)], cluster.env);
    cluster.address = await cluster.head.says(/ready at (\S+)/);
    const node = new ClusterProgram(
      "astune-worker",
      ["join", cluster.address, "--cpus", "4", ...flags(own)],
      cluster.env,
    );
    cluster.nodes.push(node);
    await node.says(/has joined/);
    options = { address: cluster.address, tokenFile: cluster.tokenFile, connectTimeoutMs: 3_000 };
  });
  afterAll(async () => {
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("who has a certificate of the cluster's authority takes part, hosts among themselves too", async () => {
    await init({ ...options, tlsCert: own.cert, tlsKey: own.key, tlsCa: own.ca });
    const [one, two] = [remote(Counter).remote(1), remote(Counter).remote(10)];
    expect(await one.addTo.remote(two, 5)).toBe(15);
    await shutdown();
  });

  test("who has none, or another authority's, does not, whatever its token", async () => {
    await expect(init(options)).rejects.toThrow(/no head answers/);
    const wrong = init({ ...options, tlsCert: foreign.cert, tlsKey: foreign.key, tlsCa: own.ca });
    await expect(wrong).rejects.toThrow(/no head answers/);
    const mistaken = init({ ...options, tlsCert: own.cert, tlsKey: own.key, tlsCa: foreign.ca });
    await expect(mistaken).rejects.toThrow(/self-signed certificate|unable to (get|verify)|certificate/);
  });

  test("files that do not go together are refused before anything is opened", async () => {
    await expect(init({ ...options, tlsCert: own.cert })).rejects.toThrow(/expected all three, or none/);
    await expect(init({ ...options, tlsCert: own.cert, tlsKey: foreign.key, tlsCa: own.ca })).rejects.toThrow(
      /expected a certificate, its key and an authority in PEM/,
    );
    const away = { ...options, tlsCert: join(folder, "no.pem"), tlsKey: own.key, tlsCa: own.ca };
    await expect(init(away)).rejects.toMatchObject({ code: "INVALID_OPTION", option: "tlsCert" });
  });
});
