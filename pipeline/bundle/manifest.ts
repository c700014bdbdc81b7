import { z } from "../../core/zod.ts";

/** The layout of bundles; one of a newer layout is refused. */
export const BUNDLE_FORMAT = 1;

/** The member that comes first and names all others. */
export const MANIFEST_FILE = "bundle.json";

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(4096);

/** What `bundle.json` says. Only fields that equal runs have in common, and what their keys record. */
export const manifestSchema = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  /** The version of Ballast that wrote it. */
  ballast: text,
  recipe: text,
  run: text,
  /** What was set on the command line; values that name a file or folder are left out. */
  set: z.array(text),
  /** What was swept there. */
  sweep: z.array(text),
  /** The commit of the code, where it is that of the run: `clean` when nothing beside it was edited. */
  revision: z.strictObject({ commit: text, clean: z.boolean() }).nullable(),
  /** Digest of all modules that the run's stages reach, by their tokens. */
  code: digest,
  instances: z.array(z.strictObject({ id: text, key: digest })).max(100_000),
  /** Digests of the objects whose files are here; of the others their lists of files alone. */
  objects: z.array(digest).max(1_000_000),
  /** Every other member, in the archive's order. */
  members: z.array(z.strictObject({
    path: z.string(),
    size: z.int().min(0),
    sha256: digest,
  })).max(2_000_000),
});

/** What a bundle holds. */
export type BundleManifest = z.infer<typeof manifestSchema>;
