import { ExpectedError } from "../core/problem.ts";
import { artifactTypes } from "../stages/artifact_types.ts";

/**
 * The logical digest of a folder that holds an artifact.
 *
 * @throws ExpectedError for a type that this version does not know
 */
export async function artifactDigest(type: string, folder: string): Promise<string> {
  const known = artifactTypes.get(type);
  if (known === undefined) {
    throw new ExpectedError(`This version knows no artifact of type ${type}.`);
  }
  return await known.digest(folder);
}
