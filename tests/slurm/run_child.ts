/**
 * A pipeline on Slurm in a process of its own, to be killed: the store of a toy pipeline's folder, and a
 * recipe's text. Says so when a stage has told of its progress.
 */
import { fileURLToPath } from "node:url";
import type { RunEvent } from "../../pipeline/events.ts";
import { SlurmExecutor } from "../../pipeline/executors/slurm.ts";
import { openToyPipeline } from "../pipeline/toy/pipeline.ts";

if (import.meta.main) {
  const [folder, recipe] = Deno.args;
  const toy = await openToyPipeline(folder);
  const executor = new SlurmExecutor({
    deno: Deno.execPath(),
    projectFolder: fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, ""),
    codeFolders: ["core", "pipeline", "tests"],
  });
  const receive = (event: RunEvent) => {
    if (event.type === "stage-progress") {
      Deno.stdout.writeSync(new TextEncoder().encode("counts\n"));
    }
  };
  await toy.run(recipe, { context: { executor, subscribers: [{ receive }] } });
}
