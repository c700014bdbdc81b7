import { join } from "node:path";
import { PROJECT } from "../end_to_end/ballast.ts";
import { SHARED } from "../shared.ts";

/**
 * SmolLM2-135M-Instruct as GGUF, where `../shared/models/fetch_smollm2.sh FOLDER` has put it: in the
 * folder that BALLAST_MODELS names, or in `../models` beside the repository.
 */
export const SMOLLM2 = join(
  Deno.env.get("BALLAST_MODELS") ?? join(PROJECT, "../models"),
  "SmolLM2-135M-Instruct.Q4_1.gguf",
);

/** Whether both are there. */
export const present = [SMOLLM2, join(SHARED, "models/smollm2_golden/logps.json")].every((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** What a test's name says where it is ignored. */
export const NEEDS = "(needs SmolLM2, see tests/models/smollm2.ts)";
