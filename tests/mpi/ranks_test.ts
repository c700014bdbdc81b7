import assert from "node:assert/strict";
import { ended, inProcesses, onLoopback, whyNoMpi } from "./mpi_available.ts";

const why = await whyNoMpi();
const ignore = why !== null;
const note = ignore ? ` (ignored: ${why})` : "";

for (const count of [2, 3, 4]) {
  Deno.test({
    name: `MpiRanks carries numbers of all sizes among ${count} processes${note}`,
    ignore,
    async fn() {
      const { code, stdout, stderr } = await ended(
        onLoopback(inProcesses(count, "ranks_child.ts", String(count))),
      );
      assert.equal(code, 0, stderr);
      const expected = Array.from({ length: count }, (_, rank) => `rank ${rank} is well`);
      assert.deepEqual(stdout.trim().split("\n").sort(), expected);
    },
  });
}

Deno.test({
  name: `MpiRanks.open() refuses other processes than were started${note}`,
  ignore,
  async fn() {
    const { code, stderr } = await ended(onLoopback(inProcesses(2, "ranks_child.ts", "3")));
    assert.notEqual(code, 0);
    assert.match(stderr, /Expected 3 processes, started by MPICH's mpiexec, but MPI knows of 2\./);
  },
});

Deno.test({
  name: `a process that is killed ends those that wait for it${note}`,
  ignore,
  async fn() {
    const begun = performance.now();
    const { code } = await ended(onLoopback(inProcesses(3, "ranks_child.ts", "3", "killed")));
    assert.notEqual(code, 0);
    assert((performance.now() - begun) / 1000 < 30);
  },
});
