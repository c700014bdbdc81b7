import assert from "node:assert/strict";
import { join } from "node:path";
import { ballastJson, digestsOf, type RunDocument } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";
import { startCluster, stopCluster, whyNoCluster } from "./cluster.ts";

const reason = await whyNoCluster();

Deno.test({
  name: `tiny runs on Slurm from end to end, with the digests that it has on this machine${
    reason === null ? "" : ` (ignored: ${reason})`
  }`,
  ignore: reason !== null,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const reproduce = (executor: string, environment = {}) => {
      const store = join(scratch.path, executor);
      const words = ["reproduce", ...SMALL_TINY, "--store", store, "--executor", executor];
      return ballastJson<RunDocument>(words, { environment });
    };
    const local = await reproduce("local");
    const cluster = await startCluster(join(scratch.path, "cluster"));
    let slurm: RunDocument;
    try {
      slurm = await reproduce("slurm", cluster.environment);
    } finally {
      await stopCluster(cluster);
    }
    assert.equal(slurm.status, "done");
    assert.deepEqual(slurm.ran.toSorted(), local.ran.toSorted());
    assert.deepEqual(digestsOf(slurm), digestsOf(local));
  },
});
