import { AUDIT_CODES, AUDIT_RULES, type AuditCode, isTestRow, ROW_CHECKS } from "./audit_checks.ts";
import { readTokenFacts, streamTokens } from "./store/read_tokens.ts";
import type { TokenFacts } from "./store/token_table.ts";
import type { TokenizedRow, Truncation } from "./tokenize.ts";

/** A set of tokenized pairs to be audited. */
export interface AuditInput {
  /** `train`, or what made it, such as `tokenize/test@seed=1`. */
  readonly name: string;
  /** Folder with `tokens.duckdb`. */
  readonly folder: string;
}

/** How lengths are distributed; quantiles are the smallest value that at least so many reach. */
export interface LengthDistribution {
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/** One set as it was found. Lengths are tokens, before truncation and after; null where none are. */
export interface AuditedSet {
  readonly name: string;
  readonly role: "train" | "evaluation";
  readonly pairs: number;
  readonly maxLength: number;
  readonly maxPromptLength: number;
  readonly truncation: Readonly<Record<Truncation, number>>;
  readonly lengths: {
    readonly [When in "before" | "after"]: {
      readonly [Part in "prompt" | "chosen" | "rejected"]: LengthDistribution | null;
    };
  };
}

/** Something that a person should know about a set. */
export interface AuditFinding {
  readonly code: AuditCode;
  readonly severity: "error" | "warning";
  /** Whether the recipe accepts findings of this code. */
  readonly accepted: boolean;
  /** The set it is about. */
  readonly set: string;
  /** Rows concerned. */
  readonly count: number;
  /** Ids of the first 20 of them. */
  readonly rows: readonly string[];
  readonly message: string;
}

/** The content of `audit.json`. */
export interface AuditReport {
  /** True when no error is left that the recipe does not accept. */
  readonly passed: boolean;
  /** The training set first. */
  readonly sets: readonly AuditedSet[];
  readonly findings: readonly AuditFinding[];
}

/** What `auditTokens` is given. */
export interface AuditTokens {
  readonly train: AuditInput;
  readonly evaluation: readonly AuditInput[];
  /** Codes that the recipe accepts. */
  readonly accept: readonly AuditCode[];
}

/**
 * Looks through a training set and its evaluation sets, row by row, for what would make results
 * wrong or unclear: see `AUDIT_RULES`. Memory holds the prompts' digests and the lengths only.
 *
 * @throws InputError when a folder holds no tokens
 */
export async function auditTokens(options: AuditTokens): Promise<AuditReport> {
  const exact = new Set<string>();
  const normalised = new Set<string>();
  const trainFacts = await readTokenFacts(options.train.folder);
  const train = await auditSet(options.train, "train", ({ row, found }) => {
    exact.add(row.promptDigest);
    normalised.add(row.promptDigestNormalised);
    if (isTestRow(row.id)) found("trained-on-test");
  });
  const evaluation = [];
  for (const input of options.evaluation) {
    evaluation.push(
      await auditSet(input, "evaluation", ({ row, facts, found }) => {
        if (exact.has(row.promptDigest)) found("prompt-overlap");
        else if (normalised.has(row.promptDigestNormalised)) found("prompt-overlap-normalised");
        if (!sameEncoding(facts, trainFacts)) found("template-mismatch");
      }),
    );
  }
  const audited = [train, ...evaluation];
  const findings = audited.flatMap(({ set, cases }) =>
    AUDIT_CODES.filter((code) => cases.has(code)).map((code) =>
      finding(code, {
        set: set.name,
        pairs: set.pairs,
        rows: cases.get(code) as Cases,
        accepted: options.accept.includes(code),
      })
    )
  );
  const passed = findings.every(({ severity, accepted }) => severity === "warning" || accepted);
  return { passed, sets: audited.map(({ set }) => set), findings };
}

/** The errors that stop a recipe, one a line, with what to do; empty when the audit has passed. */
export function describeFailure({ findings }: AuditReport): string {
  return findings.filter(({ severity, accepted }) => severity === "error" && !accepted)
    .map(({ code, set, message, rows }) =>
      `${set}: ${message} (${rows.slice(0, 5).join(", ")}${rows.length > 5 ? ", …" : ""}). ` +
      `Either ${AUDIT_RULES[code].remedy}, or say \`accept: [${code}]\`.`
    ).join("\n");
}

interface Cases {
  count: number;
  readonly ids: string[];
}

/** Rows named in a finding. */
const MOST_ROWS = 20;

function finding(
  code: AuditCode,
  found: { set: string; pairs: number; rows: Cases; accepted: boolean },
): AuditFinding {
  const { severity, describe } = AUDIT_RULES[code];
  const { count, ids } = found.rows;
  return {
    code,
    severity,
    accepted: found.accepted,
    set: found.set,
    count,
    rows: ids,
    message: `${count} of ${found.pairs} pairs ${describe}`,
  };
}

/** A row under inspection; `found` notes it as a case of a code. */
interface Inspection {
  readonly row: TokenizedRow;
  readonly facts: TokenFacts;
  found(code: AuditCode): void;
}

async function auditSet(
  input: AuditInput,
  role: AuditedSet["role"],
  inspect: (inspection: Inspection) => void,
): Promise<{ set: AuditedSet; cases: ReadonlyMap<AuditCode, Cases> }> {
  const facts = await readTokenFacts(input.folder);
  const cases = new Map<AuditCode, Cases>();
  const truncation = { none: 0, prompt: 0, replies: 0, "prompt-and-replies": 0 };
  const lengths = new Lengths();
  let pairs = 0;
  for await (const row of streamTokens(input.folder)) {
    pairs++;
    truncation[row.truncation]++;
    lengths.add(row);
    const found = (code: AuditCode) => {
      const seen = cases.get(code) ?? { count: 0, ids: [] };
      cases.set(code, seen);
      if (seen.count++ < MOST_ROWS) seen.ids.push(row.id);
    };
    for (const [code, check] of Object.entries(ROW_CHECKS)) {
      if (check(row)) found(code as keyof typeof ROW_CHECKS);
    }
    inspect({ row, facts, found });
  }
  const { maxLength, maxPromptLength } = facts;
  const set = {
    name: input.name,
    role,
    pairs,
    maxLength,
    maxPromptLength,
    truncation,
    lengths: lengths.summary(),
  };
  return { set, cases };
}

function sameEncoding(a: TokenFacts, b: TokenFacts): boolean {
  return a.templateDigest === b.templateDigest && a.vocabSize === b.vocabSize &&
    a.eosId === b.eosId;
}

class Lengths {
  #before = { prompt: [] as number[], chosen: [] as number[], rejected: [] as number[] };
  #after = { prompt: [] as number[], chosen: [] as number[], rejected: [] as number[] };

  add({ before, prompt, chosen, rejected }: TokenizedRow): void {
    this.#before.prompt.push(before.prompt);
    this.#before.chosen.push(before.chosen);
    if (before.rejected !== null) this.#before.rejected.push(before.rejected);
    this.#after.prompt.push(prompt.length);
    this.#after.chosen.push(chosen.length);
    if (rejected !== null) this.#after.rejected.push(rejected.length);
  }

  summary(): AuditedSet["lengths"] {
    const parts = (
      { prompt, chosen, rejected }: Record<"prompt" | "chosen" | "rejected", number[]>,
    ) => ({
      prompt: distribution(prompt),
      chosen: distribution(chosen),
      rejected: distribution(rejected),
    });
    return { before: parts(this.#before), after: parts(this.#after) };
  }
}

function distribution(lengths: readonly number[]): LengthDistribution | null {
  if (lengths.length === 0) return null;
  const sorted = Float64Array.from(lengths).sort();
  const quantile = (q: number) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  return {
    min: sorted[0],
    median: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    max: sorted[sorted.length - 1],
    mean: sorted.reduce((sum, length) => sum + length, 0) / sorted.length,
  };
}
