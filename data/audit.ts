import {
  AUDIT_CODES,
  AUDIT_RULES,
  type AuditCode,
  isTestRow,
  nameRows,
  ROW_CHECKS,
  ROW_CODES,
} from "./audit_checks.ts";
import { LengthsOfSet, type SetLengths } from "./audit_lengths.ts";
import { readPairs, readPrompts } from "./pairs_file.ts";
import { SeenPrompts } from "./seen_prompts.ts";
import { readTokenFacts, streamTokens } from "./store/read_tokens.ts";
import type { TokenFacts } from "./store/token_table.ts";
import type { Prompt } from "./pair.ts";
import {
  digestPrompt,
  encodingFacts,
  type PromptDigests,
  type TokenizedRow,
  type Truncation,
} from "./tokenize.ts";
import { loadTokenizer } from "./tokenizer/tokenizer.ts";

/** A set of tokenized pairs to be audited. */
export interface AuditInput {
  /** `train`, or what made it, such as `tokenize/test@seed=1`. */
  readonly name: string;
  /** Folder with `tokens.duckdb`; of prompts alone, with `prompts.jsonl`; of pairs, `pairs.jsonl`. */
  readonly folder: string;
}

/** One set as it was found. */
export interface AuditedSet {
  readonly name: string;
  /** `prompts`: prompts alone, which have no tokens yet. */
  readonly role: "train" | "evaluation" | "prompts";
  /** Pairs, or prompts. */
  readonly pairs: number;
  readonly maxLength: number;
  readonly maxPromptLength: number;
  readonly truncation: Readonly<Record<Truncation, number>>;
  readonly lengths: SetLengths;
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
  /** What to do about it, and what the recipe may say to accept it. */
  readonly remedy: string;
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
  /** Sets of prompts alone that replies will be generated for. */
  readonly prompts?: readonly AuditInput[];
  /** Sets of pairs, folders with `pairs.jsonl`, to whose prompts replies will be generated. */
  readonly pairs?: readonly AuditInput[];
  /** What replies will be generated with: folders with a tokenizer and its chat template. */
  readonly generation?: readonly AuditInput[];
  /** Codes that the recipe accepts. */
  readonly accept: readonly AuditCode[];
  /** Told of every row of every error that the recipe does not accept; a finding names the first alone. */
  readonly onError?: (error: { set: string; code: AuditCode; row: string }) => void;
}

/**
 * Looks through a training set and its evaluation sets, row by row, for what would make results
 * wrong or unclear: see `AUDIT_RULES`. Memory holds the prompts' digests and the lengths only.
 *
 * @throws InputError when a folder holds no tokens
 */
export async function auditTokens(options: AuditTokens): Promise<AuditReport> {
  const seen = new SeenPrompts();
  const facts = await readTokenFacts(options.train.folder);
  const generation = await Promise.all(
    (options.generation ?? []).map(async ({ folder }) =>
      encodingFacts(await loadTokenizer(folder))
    ),
  );
  const gather = (input: AuditInput): Gathering => ({
    ...input,
    cases: new CasesByCode((code, row) => {
      if (stops(code, options.accept)) options.onError?.({ set: input.name, code, row });
    }),
  });
  const generatesOtherwise = generation.some((other) => !sameEncoding(other, facts));
  const audited = [
    await auditSet(gather(options.train), "train", ({ row, found }) => {
      seen.add(row);
      if (isTestRow(row.id)) found("trained-on-test");
      if (generatesOtherwise) found("generation-mismatch");
    }),
  ];
  for (const input of options.evaluation) {
    audited.push(
      await auditSet(gather(input), "evaluation", ({ row, facts: own, found }) => {
        seen.evaluation(row, input.name).forEach(found);
        if (!sameEncoding(own, facts)) found("template-mismatch");
      }),
    );
  }
  for (const input of options.prompts ?? []) {
    const codesOf = (digests: PromptDigests) => seen.evaluation(digests, input.name);
    audited.push(await auditPrompts(gather(input), facts, { rows: readPrompts, codesOf }));
  }
  // Pairs that were tokenized are an evaluation set as well, and would overlap with themselves.
  for (const input of options.pairs ?? []) {
    const codesOf = (digests: PromptDigests) => seen.leaks(digests);
    audited.push(await auditPrompts(gather(input), facts, { rows: readPairs, codesOf }));
  }
  const findings = audited.flatMap((each) => findingsOf(each, options.accept));
  const passed = findings.every(({ severity, accepted }) => severity === "warning" || accepted);
  return { passed, sets: audited.map(({ set }) => set), findings };
}

/**
 * The errors that stop a recipe, one a line, with the rows that each finding names and what to do; empty
 * when the audit has passed.
 */
export function describeFailure({ findings }: AuditReport): string {
  return findings.filter(({ severity, accepted }) => severity === "error" && !accepted)
    .map(({ set, message, count, rows, remedy }) =>
      `${set}: ${message} (${nameRows(rows, count)}). ${remedy}`
    ).join("\n");
}

function stops(code: AuditCode, accept: readonly AuditCode[]): boolean {
  return AUDIT_RULES[code].severity === "error" && !accept.includes(code);
}

/** A set, and where the cases that are met in it go to. */
interface Gathering extends AuditInput {
  readonly cases: CasesByCode;
}

/** A set and the rows of it that are cases of each code. */
interface Audited {
  readonly set: AuditedSet;
  readonly cases: CasesByCode;
}

/** Rows that are cases of each code; a listener is told of every one. */
class CasesByCode {
  readonly #cases = new Map<AuditCode, { count: number; readonly ids: string[] }>();

  constructor(private readonly listen: (code: AuditCode, id: string) => void) {}

  add(code: AuditCode, id: string): void {
    this.listen(code, id);
    const seen = this.#cases.get(code) ?? { count: 0, ids: [] };
    this.#cases.set(code, seen);
    if (seen.count++ < MOST_ROWS) seen.ids.push(id);
  }

  get(code: AuditCode) {
    return this.#cases.get(code);
  }
}

/** Rows named in a finding. */
const MOST_ROWS = 20;

function findingsOf({ set, cases }: Audited, accept: readonly AuditCode[]): AuditFinding[] {
  const what = set.role === "prompts" ? "prompts" : "pairs";
  return AUDIT_CODES.flatMap((code) => {
    const rows = cases.get(code);
    if (rows === undefined) return [];
    const { severity, describe, remedy } = AUDIT_RULES[code];
    return [{
      code,
      severity,
      accepted: accept.includes(code),
      set: set.name,
      count: rows.count,
      rows: rows.ids,
      message: `${rows.count} of ${set.pairs} ${what} ${describe}`,
      remedy: severity === "error"
        ? `Either ${remedy}, or say \`accept: [${code}]\`.`
        : `Where it matters, ${remedy}.`,
    }];
  });
}

/** A row under inspection; `found` notes it as a case of a code. */
interface Inspection {
  readonly row: TokenizedRow;
  readonly facts: TokenFacts;
  found(code: AuditCode): void;
}

async function auditSet(
  { name, folder, cases }: Gathering,
  role: AuditedSet["role"],
  inspect: (inspection: Inspection) => void,
): Promise<Audited> {
  const facts = await readTokenFacts(folder);
  const truncation = { ...NO_TRUNCATION };
  const lengths = new LengthsOfSet();
  let pairs = 0;
  for await (const row of streamTokens(folder)) {
    pairs++;
    truncation[row.truncation]++;
    lengths.add(row);
    for (const code of ROW_CODES) if (ROW_CHECKS[code](row)) cases.add(code, row.id);
    inspect({ row, facts, found: (code) => cases.add(code, row.id) });
  }
  const { maxLength, maxPromptLength } = facts;
  const set = { name, role, pairs, maxLength, maxPromptLength, truncation };
  return { set: { ...set, lengths: lengths.summary() }, cases };
}

const NO_TRUNCATION = { none: 0, prompt: 0, replies: 0, "prompt-and-replies": 0 };

/** Where prompts are read, and of what each is a case. */
interface PromptChecks {
  rows(folder: string): AsyncIterable<{ readonly id: string; readonly prompt: Prompt }>;
  codesOf(digests: PromptDigests): AuditCode[];
}

/** Prompts alone can be held against the training set's, and nothing else. */
async function auditPrompts(
  { name, folder, cases }: Gathering,
  { maxLength, maxPromptLength }: TokenFacts,
  { rows, codesOf }: PromptChecks,
): Promise<Audited> {
  let pairs = 0;
  for await (const { id, prompt } of rows(folder)) {
    pairs++;
    for (const code of codesOf(digestPrompt(prompt))) cases.add(code, id);
  }
  const truncation = { ...NO_TRUNCATION, none: pairs };
  const set = { name, role: "prompts" as const, pairs, maxLength, maxPromptLength, truncation };
  return { set: { ...set, lengths: new LengthsOfSet().summary() }, cases };
}

type Encoding = Pick<TokenFacts, "templateDigest" | "tokenizerDigest" | "eosId">;

function sameEncoding(a: Encoding, b: Encoding): boolean {
  return a.templateDigest === b.templateDigest && a.tokenizerDigest === b.tokenizerDigest &&
    a.eosId === b.eosId;
}
