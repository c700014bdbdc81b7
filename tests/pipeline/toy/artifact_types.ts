import { fileArtifact } from "../../../pipeline/file_artifact.ts";

/** The toy stages' artifacts. */
export const artifactTypes = new Map([
  ["number", fileArtifact({ name: "number", describe: "one number" })],
]);
