import { resolve } from "node:path";
import { z } from "../core/zod.ts";
import type { Json } from "../core/json.ts";
import { objectSchema, unwrapped } from "./schema_problems.ts";

/** What a path parameter may name. */
type PathKind = "file" | "folder" | "either";

interface PathMeta {
  readonly kind: PathKind;
  /** Of a module, what it may import. */
  readonly imports?: readonly string[];
}

/** Marks zod schemas made by `pathParam`, so that they are found in a stage's parameters. */
const pathParams = z.registry<PathMeta>();

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

/**
 * A parameter that names a file of code, as `pathParam()` does; into the key goes the digest of its
 * tokens. It may import nothing but what is named, which must be code that the stage reaches anyway, so
 * that the key says all there is to say. The stage's `checkModules` looks at it before anything runs.
 */
export function moduleParam(
  options: { imports: readonly string[]; describe: string },
): z.ZodString {
  const schema = z.string().min(1).describe(options.describe);
  schema.register(pathParams, { kind: "file", imports: options.imports });
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
  /** What each that names a module may import. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

/** Makes the path parameters absolute, in place, and checks that each names what it should. */
export function resolvePaths(
  schema: z.ZodType,
  params: Record<string, Json>,
  { base, lookUp }: PathLookup,
): ResolvedPaths {
  const paths: Record<string, string> = {};
  const modules: Record<string, readonly string[]> = {};
  const problems: { key: string; message: string }[] = [];
  for (const [key, field] of Object.entries(objectSchema(schema, params)?.shape ?? {})) {
    const meta = pathParams.get(unwrapped(field));
    const given = params[key];
    if (meta === undefined || typeof given !== "string") continue;
    const { kind, imports } = meta;
    const path = params[key] = paths[key] = resolve(base(key), given);
    const found = lookUp(path);
    if (found !== null && (kind === "either" || kind === found)) {
      if (imports !== undefined) modules[key] = imports;
      continue;
    }
    const expected = kind === "either" ? "a file or folder" : `a ${kind}`;
    const there = found === null ? "nothing" : `a ${found}`;
    problems.push({ key, message: `Expected ${expected} at ${path} but found ${there}.` });
  }
  return { paths, modules, problems };
}
