import { fileArtifact } from "../../../pipeline/file_artifact.ts";

/** How many digits it has: what a toy stage's work and memory are foreseen from. */
async function digitsOf(folder: string): Promise<{ digits: number }> {
  return { digits: (await Deno.readTextFile(`${folder}/number.json`)).trim().length };
}

/** The toy stages' artifacts. */
export const artifactTypes = new Map([
  ["number", fileArtifact({ name: "number", describe: "one number", facts: digitsOf })],
]);
