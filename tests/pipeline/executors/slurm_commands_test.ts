import assert from "node:assert/strict";
import { statusOf } from "../../../pipeline/executors/slurm_commands.ts";
import { withPrograms } from "./with_programs.ts";

const FORGOTTEN = "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1";

Deno.test("statusOf() asks sacct for the jobs that squeue no longer knows", () =>
  withPrograms({
    squeue: "echo '7_0|RUNNING'",
    sacct: `case "$*" in *" -j 12,13_1") printf '12|TIMEOUT\\n13_1|CANCELLED by 0\\n' ;; esac`,
  }, async () => {
    assert.deepEqual([...(await statusOf(["7_0", "12", "13_1"]))!], [
      ["7_0", { state: "running", word: "RUNNING" }],
      ["12", { state: "ended", word: "TIMEOUT" }],
      ["13_1", { state: "ended", word: "CANCELLED" }],
    ]);
  }));

Deno.test("statusOf() knows nothing of a forgotten job where sacct is not there, or keeps no accounts", async () => {
  const unknown = [["12", { state: "unknown", word: "" }]];
  const disabled = "echo 'Slurm accounting storage is disabled' >&2; exit 1";
  const cases: Record<string, string>[] = [
    { squeue: FORGOTTEN, sacct: "exit 127" },
    { squeue: FORGOTTEN, sacct: disabled },
  ];
  for (const programs of cases) {
    await withPrograms(
      programs,
      async () => assert.deepEqual([...(await statusOf(["12"]))!], unknown),
    );
  }
});

Deno.test("statusOf() says nothing of any job while Slurm does not answer", () =>
  withPrograms({ squeue: "echo 'Unable to contact slurm controller' >&2; exit 1" }, async () => {
    assert.equal(await statusOf(["12"]), null);
  }));
