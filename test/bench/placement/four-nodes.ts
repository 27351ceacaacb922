/** Four pretended nodes of 8 GPUs on this machine, with labels: what ray_requests.py starts, of ours. */

import { Cluster, type NodeSettings } from "../../fixtures/cluster.ts";

/** Starts them and connects this process. The caller closes what it is given. */
export async function fourNodes(): Promise<Cluster> {
  const nodes = [0, 1, 2, 3].map((index): NodeSettings => {
    const labels = `zone=${index < 2 ? "west" : "east"},rack=${index}`;
    return { cpus: 2, gpus: 8, labels, warmHosts: 0 };
  });
  const cluster = await Cluster.start(...nodes);
  await cluster.connect("placement");
  return cluster;
}
