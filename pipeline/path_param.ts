import { resolve } from "node:path";
import { z } from "zod";
import type { Json } from "../core/json.ts";
import { objectSchema, unwrapped } from "./schema_problems.ts";

/** What a path parameter may name. */
type PathKind = "file" | "folder" | "either";

/** Marks zod schemas made by `pathParam`, so that they are found in a stage's parameters. */
const pathParams = z.registry<{ readonly kind: PathKind }>();

/**
 * A parameter that names a file or folder outside the store. The engine resolves it (against the
 * recipe's folder in a recipe, against where the user stands on the command line), checks that it
 * exists before anything runs, grants the worker read access to it alone, and puts the digest of its
 * content, not its path, into the key.
 */
export function pathParam(options: { kind: PathKind; describe: string }): z.ZodString {
  const schema = z.string().min(1).describe(options.describe);
  schema.register(pathParams, { kind: options.kind });
  return schema;
}

/** How paths are resolved and looked up. */
export interface PathLookup {
  /** The folder that a parameter's path is relative to. */
  readonly base: (key: string) => string;
  /** What lies at an absolute path; null for nothing. */
  readonly lookUp: (path: string) => "file" | "folder" | null;
}

/** The path parameters of a stage, and what is wrong with them. */
export interface ResolvedPaths {
  /** Absolute paths by parameter. */
  readonly paths: Readonly<Record<string, string>>;
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

/** Makes the path parameters absolute, in place, and checks that each names what it should. */
export function resolvePaths(
  schema: z.ZodType,
  params: Record<string, Json>,
  { base, lookUp }: PathLookup,
): ResolvedPaths {
  const paths: Record<string, string> = {};
  const problems: { key: string; message: string }[] = [];
  for (const [key, field] of Object.entries(objectSchema(schema, params)?.shape ?? {})) {
    const kind = pathParams.get(unwrapped(field))?.kind;
    const given = params[key];
    if (kind === undefined || typeof given !== "string") continue;
    const path = params[key] = paths[key] = resolve(base(key), given);
    const found = lookUp(path);
    if (found !== null && (kind === "either" || kind === found)) continue;
    const expected = kind === "either" ? "a file or folder" : `a ${kind}`;
    const there = found === null ? "nothing" : `a ${found}`;
    problems.push({ key, message: `Expected ${expected} at ${path} but found ${there}.` });
  }
  return { paths, problems };
}
