/**
 * Runs the reference of a small recipe, in two processes, on this machine and on a Slurm that it starts
 * and ends; prints the digests of both.
 */
import { join } from "node:path";
import { ballastJson, digestsOf, type RunDocument } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";
import { startCluster, stopCluster } from "../slurm/cluster.ts";

await using scratch = await ScratchFolder.make();
// The processes of a stage are on one node, which so must have all cores of this machine.
const cluster = await startCluster(join(scratch.path, "cluster"), { nodes: ["one"] });
const digests: Record<string, string>[] = [];
try {
  for (const executor of ["local", "slurm"]) {
    const run = await ballastJson<RunDocument>([
      ...["run", "reference", ...SMALL_TINY, "--set", "reference.processes=2"],
      ...["--store", join(scratch.path, executor), "--executor", executor],
    ], { environment: cluster.environment });
    digests.push(digestsOf(run));
  }
} finally {
  await stopCluster(cluster);
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(digests)));
