import { z } from "../core/zod.ts";

/** A path within the folder that a stage is given; what lies elsewhere is neither in the key nor readable. */
export const inFolder = z.string().min(1).refine(
  (path) => !path.startsWith("/") && !path.split("/").includes(".."),
  { error: "a path within the folder" },
);
