import { digestJson } from "../core/digest.ts";
import type { Json } from "../core/json.ts";
import { canonicalJson } from "../core/json.ts";
import type { CodeFields } from "./code_digest.ts";
import { differingLeaves, type LeafDifference } from "./diff_json.ts";
import type { Reason } from "./events.ts";
import type { Axes } from "./instance.ts";

/** An artifact that an instance reads, as it enters the key. */
export interface InputFields {
  readonly digest: string;
  /** For ports that take many: a label decides which row of a table a result becomes. */
  readonly from?: string;
  readonly axes?: Axes;
}

/**
 * All that decides an instance's result; its digest is the key. Not in it, since they change no
 * bytes: paths, times, the host, the recipe's name, what else the recipe holds. The processor's
 * instruction set, which can change last bits, is recorded with the result instead and named by
 * `diff`: keyed, it would make every shared cache miss.
 */
export interface KeyFields {
  /** The key's own format: a change of this record's meaning must miss every old key. */
  readonly format: 1;
  /** Which computation it is. */
  readonly stage: string;
  /**
   * The parameters that the stage declares, defaults filled in, but for those that it says change no bit
   * (`Stage.keyParams`); other stages' do not matter.
   */
  readonly params: Json;
  /** Content of the files and folders that parameters name; where they lie does not matter. */
  readonly sources: Readonly<Record<string, string>>;
  /** Content of the input artifacts: equal bytes upstream mean nothing to redo (early cutoff). */
  readonly inputs: Readonly<Record<string, readonly InputFields[]>>;
  /** The code that runs, and the locked versions of the packages it reaches. */
  readonly code: CodeFields;
  /** Facts of the runtime that change results: onnxruntime's version, provider, dtype. */
  readonly facts: Readonly<Record<string, string>>;
}

/** The key (hex SHA-256 of the canonical JSON) of an instance. */
export function keyOf(fields: KeyFields): string {
  return digestJson(fields);
}

/**
 * Why the key is another: every field that differs, in the order of the record.
 *
 * @param entry the recipe's name for the stage, under which its parameters are told: `train.beta`
 */
export function reasonsBetween(before: KeyFields, after: KeyFields, entry: string): Reason[] {
  const reasons: Reason[] = [];
  const put = (field: string, from: unknown, to: unknown) => {
    if (to === undefined && from === undefined) return;
    if (canonicalJson(from ?? null) === canonicalJson(to ?? null)) return;
    reasons.push({ field, before: text(from), after: text(to) });
  };
  put("stage", before.stage, after.stage);
  for (const { path, before: a, after: b } of leaves(before.params, after.params)) {
    put(`${entry}.${path}`, a, b);
  }
  for (const { path, before: a, after: b } of leaves({ ...before.sources }, { ...after.sources })) {
    put(`content of ${entry}.${path}`, brief(a), brief(b));
  }
  for (const port of unionKeys(before.inputs, after.inputs)) {
    put(`input ${port}`, inputText(before.inputs[port]), inputText(after.inputs[port]));
  }
  reasons.push(...codeReasons(before.code, after.code));
  for (const { path, before: a, after: b } of leaves({ ...before.facts }, { ...after.facts })) {
    put(path, a, b);
  }
  return reasons;
}

function leaves(before: Json, after: Json): LeafDifference[] {
  return differingLeaves(before, after, { lists: false });
}

function codeReasons(before: CodeFields, after: CodeFields): Reason[] {
  const reasons: Reason[] = [];
  for (const path of unionKeys(before.modules, after.modules)) {
    const [a, b] = [before.modules[path], after.modules[path]];
    if (a !== b) {
      reasons.push({ field: `code ${path}`, before: brief(a) ?? null, after: brief(b) ?? null });
    }
  }
  const gone = before.packages.filter((name) => !after.packages.includes(name));
  const come = after.packages.filter((name) => !before.packages.includes(name));
  for (const name of new Set([...gone, ...come].map(packageName))) {
    reasons.push({
      field: `package ${name}`,
      before: gone.find((id) => packageName(id) === name) ?? null,
      after: come.find((id) => packageName(id) === name) ?? null,
    });
  }
  return reasons;
}

function packageName(id: string): string {
  return id.slice(0, id.lastIndexOf("@"));
}

function unionKeys(a: object | undefined, b: object | undefined): string[] {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])];
}

/** Input artifacts in a few letters. */
export function inputText(inputs: readonly InputFields[] | undefined): string | undefined {
  if (inputs === undefined) return undefined;
  if (inputs.length === 1) return brief(inputs[0].digest);
  return `${inputs.length} artifacts ${brief(digestJson(inputs))}`;
}

/** The first twelve digits of a digest, enough to tell two apart by eye. */
function brief(digest: Json | undefined): string | undefined {
  return typeof digest === "string" ? `${digest.slice(0, 12)}…` : undefined;
}

function text(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : canonicalJson(value);
}
