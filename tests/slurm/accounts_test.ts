import assert from "node:assert/strict";
import { join } from "node:path";
import {
  cancel,
  type JobStatus,
  statusOf,
  submit,
} from "../../pipeline/executors/slurm_commands.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { slurm, startCluster, stopCluster, whyNoCluster } from "./cluster.ts";

const reason = await whyNoCluster({ accounts: true });

Deno.test({
  name: `what became of jobs that squeue has forgotten, sacct says${
    reason === null ? "" : ` (ignored: ${reason})`
  }`,
  ignore: reason !== null,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const cluster = await startCluster(join(scratch.path, "cluster"), { accounts: true });
    for (const [name, value] of Object.entries(cluster.environment)) Deno.env.set(name, value);
    try {
      const job = (script: string, ...args: string[]) =>
        submit([...args, "--output=/dev/null"], `#!/bin/sh\n${script}\n`);
      const [done, failed, array, cancelled] = [
        await job("true"),
        await job("exit 3"),
        await job('exit "$SLURM_ARRAY_TASK_ID"', "--array=0-1"),
        await job("sleep 600"),
      ];
      await cancel([cancelled]);
      const ids = [done, failed, `${array}_0`, `${array}_1`, cancelled];
      await untilForgotten(
        ids,
        () => slurm(cluster, "squeue", ["-h", "-r", "-t", "all", "-o", "%i"]),
      );
      const found = await statusOf([...ids, "987654"]);
      const ended = (word: string): JobStatus => ({ state: "ended", word });
      assert.deepEqual(
        found,
        new Map([
          [done, ended("COMPLETED")],
          [failed, ended("FAILED")],
          [`${array}_0`, ended("COMPLETED")],
          [`${array}_1`, ended("FAILED")],
          [cancelled, ended("CANCELLED")],
          ["987654", { state: "unknown", word: "" }],
        ]),
      );
    } finally {
      await stopCluster(cluster);
    }
  },
});

async function untilForgotten(ids: readonly string[], known: () => Promise<string>): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    const left = (await known()).split("\n");
    if (!ids.some((id) => left.includes(id))) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("squeue forgets no job.");
}
