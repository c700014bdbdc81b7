import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../stages/run_stage.ts";

const WORKER = fileURLToPath(new URL("../../pipeline/worker.ts", import.meta.url));

/** Ends of the second of two processes whose stage throws an error of this name. */
async function secondOfTwo(errorName: string) {
  const folder = await temporaryFolder();
  const [module, jobFile] = ["stage.mjs", "job.json"].map((name) => join(folder, name));
  const thrown = `Object.assign(new Error("over"), { name: ${JSON.stringify(errorName)} })`;
  await Deno.writeTextFile(
    module,
    `export default { name: "toy", run: () => Promise.reject(${thrown}) };`,
  );
  const job = {
    ...{ id: "toy", run: "0001", stage: "toy", module: `file://${module}`, params: {} },
    ...{ inputs: {}, outputs: {}, scratch: folder, attempt: folder, caches: {}, paths: [] },
    resources: { cores: 2, processes: 2 },
  };
  await Deno.writeTextFile(jobFile, JSON.stringify(job));
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", "--allow-all", WORKER, jobFile],
    env: { PMI_RANK: "1" },
    stdin: "null",
    stderr: "inherit",
  }).output();
  return { code, said: new TextDecoder().decode(stdout) };
}

Deno.test("a process that stopped because another was asked to has not failed", async () => {
  const stopped = await secondOfTwo("AbortError");
  assert.equal(stopped.code, 0, stopped.said);
  assert.doesNotMatch(stopped.said, /process-failed/);
});

Deno.test("a process that failed says so by its number, and ends the others by its exit code", async () => {
  const { code, said } = await secondOfTwo("TypeError");
  assert.equal(code, 1);
  assert.match(said, /"process-failed","error":"Rank 1 of 2: TypeError: over/);
});
