import assert from "node:assert/strict";
import { join } from "node:path";
import { whyNoCluster } from "../slurm/cluster.ts";
import { ended, onLoopback, PROJECT, whyNoMpi } from "./mpi_available.ts";

const why = await whyNoMpi() ?? await whyNoCluster();
const ignore = why !== null;
const note = ignore ? ` (ignored: ${why})` : "";

Deno.test({
  name: `a stage in two processes gives the same digests on this machine and on Slurm${note}`,
  ignore,
  async fn() {
    const words = ["run", "--no-check", "-A", join(PROJECT, "tests/mpi/slurm_child.ts")];
    const { code, stdout, stderr } = await ended(onLoopback([Deno.execPath(), ...words]));
    assert.equal(code, 0, stderr);
    const [local, slurm] = JSON.parse(stdout) as Record<string, string>[];
    assert.deepEqual(slurm, local);
    assert(local["reference@seed=0:model"] !== undefined, stdout);
  },
});
