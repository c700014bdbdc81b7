import { sha256 } from "../../core/digest.ts";
import { isRecord, type Json } from "../../core/json.ts";
import type { OutputRecord } from "../events.ts";
import { staysInside } from "../plain_path.ts";
import type { Work } from "../prediction.ts";
import { isDigest } from "./names.ts";

/** The layout of a store; a store written by a newer one is refused. */
export const STORE_FORMAT = 1;

/** The machine a result was made on: recorded and named by `diff`, never part of a key. */
export interface Host {
  /** The processor's instruction set, which changes last bits: `x86-64 avx2 avx512f`. */
  readonly isa: string;
  readonly os: string;
  readonly deno: string;
}

/** What an instance with a certain key gave: `keys/<2 hex>/<key>.json`. */
export interface KeyRecord {
  readonly key: string;
  readonly stage: string;
  readonly instance: string;
  readonly recipe: string;
  /** The whole key document, whose canonical JSON the key is the digest of. */
  readonly fields: Json;
  readonly outputs: Readonly<Record<string, OutputRecord>>;
  readonly seconds: number;
  /** What was done in those seconds, where the stage predicts it; absent after a resumption. */
  readonly work?: Work;
  /** Of several processes, that of the first one. */
  readonly peakMemoryBytes: number | null;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly host: Host;
  readonly warnings: readonly string[];
  /** The key whose result was kept for this one, when a person said so with `--accept`. */
  readonly acceptedFrom?: string;
}

/** `artifact.json` of an object: its files, by which `verify` knows them. */
export interface ArtifactRecord {
  readonly type: string;
  /** Digest of the logical content (`ArtifactType.digest`), by which it is addressed. */
  readonly digest: string;
  /** Bytes of all files. */
  readonly bytes: number;
  /** Paths with `/`, in code-unit order. */
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly sha256: string;
  }[];
}

/** The last key that an instance of a recipe had: what `explain` compares with. */
export interface InstanceRecord {
  readonly instance: string;
  readonly key: string;
}

/** What is known when a run starts. */
export interface RunHeader {
  readonly recipe: string;
  /** The resolved recipe: every parameter, overrides applied. */
  readonly parameters: Json;
  /** The command line's words. */
  readonly command: readonly string[];
  /** What was changed with `--set`; absent in runs of earlier versions. */
  readonly set?: readonly string[];
  /** What was swept with `--sweep`; absent in runs of earlier versions. */
  readonly sweep?: readonly string[];
  /** The recipe's file and those that it extends; absent in runs of earlier versions. */
  readonly recipeFiles?: readonly { readonly name: string; readonly text: string }[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly host: Host;
}

/** One stage instance of a run. */
export interface RunInstance {
  readonly id: string;
  readonly stage: string;
  /** `null` when it was never known, because something before it failed. */
  readonly key: string | null;
  readonly state: "cached" | "ran" | "failed" | "skipped";
  readonly seconds: number | null;
}

/** What is known when a run ends. */
export interface RunOutcome {
  readonly status: "done" | "failed" | "interrupted";
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly seconds: number;
  readonly instances: readonly RunInstance[];
}

/** `runs/<run>.json`. A run that was killed keeps `running`; `instances` is then told by its events. */
export type RunRecord =
  & RunHeader
  & { readonly run: string; readonly pid: number; readonly instances: readonly RunInstance[] }
  & (
    | { readonly status: "running"; readonly finishedAt: null; readonly seconds: null }
    | Omit<RunOutcome, "instances">
  );

/** A key record as text; the last field is the digest of all the text before it. */
export function formatKeyRecord(record: KeyRecord): string {
  const text = JSON.stringify({ format: STORE_FORMAT, ...record }, null, 2);
  const body = text.slice(0, text.lastIndexOf("\n"));
  return `${body},\n  "check": "${sha256(body)}"\n}\n`;
}

/** A key record from its text, or a sentence saying what is wrong with the text. */
export function parseKeyRecord(text: string, key: string): KeyRecord | string {
  const end = /,\n {2}"check": "([0-9a-f]{64})"\n\}\n$/.exec(text);
  if (end === null) return "is cut short";
  if (sha256(text.slice(0, end.index)) !== end[1]) return "has changed since it was written";
  const { format, check: _, ...record } = JSON.parse(text);
  if (format !== STORE_FORMAT) return `has format ${format}, not ${STORE_FORMAT}`;
  if (record.key !== key) return `belongs to key ${record.key}`;
  return record;
}

/** An artifact record from its text, or `null` when it is none. */
export function parseArtifactRecord(text: string): ArtifactRecord | null {
  const value = parseObject(text);
  if (value === null || typeof value.digest !== "string" || !isDigest(value.digest)) return null;
  if (typeof value.type !== "string" || !Array.isArray(value.files)) return null;
  if (!value.files.every((file) => typeof file?.path === "string" && staysInside(file.path))) {
    return null;
  }
  return value as unknown as ArtifactRecord;
}

/** A JSON object from text, or `null` when it is something else or no JSON. */
export function parseObject(text: string | null): Record<string, unknown> | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
