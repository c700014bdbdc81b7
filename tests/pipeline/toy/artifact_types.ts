import { fileArtifact } from "../../../pipeline/file_artifact.ts";

/** How many digits it has: what a toy stage's work and memory are foreseen from; refuses what is no number. */
async function digitsOf(folder: string): Promise<{ digits: number }> {
  const text = (await Deno.readTextFile(`${folder}/number.json`)).trim();
  if (text === "" || Number.isNaN(Number(text))) {
    throw new TypeError(`Expected a number but found ${JSON.stringify(text)}.`);
  }
  return { digits: text.length };
}

/** The toy stages' artifacts. */
export const artifactTypes = new Map([
  ["number", fileArtifact({ name: "number", describe: "one number", facts: digitsOf })],
]);
