import { z } from "zod";

/** Marks zod schemas made by `pathParam`, so that the engine finds them in a stage's parameters. */
export const pathParams = z.registry<{ readonly kind: "file" | "folder" | "either" }>();

/**
 * A parameter that names a file or folder outside the store. The engine resolves it (against the
 * recipe's folder in a recipe, against where the user stands on the command line), checks that it exists before anything runs, grants the worker
 * read access to it alone, and puts the digest of its content, not its path, into the key.
 */
export function pathParam(
  options: { kind: "file" | "folder" | "either"; describe: string },
): z.ZodString {
  const schema = z.string().min(1).describe(options.describe);
  schema.register(pathParams, { kind: options.kind });
  return schema;
}
