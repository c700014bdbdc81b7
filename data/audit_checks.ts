import type { TokenizedRow } from "./tokenize.ts";

/** What the audit looks for. */
export const AUDIT_CODES = [
  "identical-pairs",
  "identical-after-truncation",
  "empty-replies",
  "empty-prompts",
  "missing-end-token",
  "cut-before-end",
  "truncated",
  "boundary-mismatch",
  "special-tokens-in-text",
  "trained-on-test",
  "prompt-overlap",
  "prompt-overlap-normalised",
  "evaluation-overlap",
  "template-mismatch",
  "generation-mismatch",
] as const;

export type AuditCode = (typeof AUDIT_CODES)[number];

/** How serious a finding is, and what to do about it. */
export interface AuditRule {
  /** An error stops the recipe unless it says `accept`; a warning is only reported. */
  readonly severity: "error" | "warning";
  /** What was found, after the count: `5 pairs …`. */
  readonly describe: string;
  readonly remedy: string;
}

/** What a recipe says to leave out rows with a finding that a row shows on its own. */
const drop = (code: string) => `drop them with \`drop: [${code}]\` of tokenize`;

const OTHER_ROWS = "take other evaluation rows, or leave their prompts out of the training set: " +
  "wire the evaluation set to `without` of its tokenize";

/** One rule for each code. */
export const AUDIT_RULES: { readonly [C in AuditCode]: AuditRule } = {
  "identical-pairs": {
    severity: "error",
    describe: "have the same chosen and rejected reply, as text or as tokens before truncation",
    remedy: drop("identical-pairs"),
  },
  "identical-after-truncation": {
    severity: "warning",
    describe: "have different replies that are the same once truncated",
    remedy: "raise maxLength, or drop them with `dropIdentical: true` of tokenize",
  },
  "empty-replies": {
    severity: "error",
    describe: "have an empty reply",
    remedy: "drop them with `dropEmpty: true` of read-pairs",
  },
  "empty-prompts": {
    severity: "error",
    describe: "have a prompt without any token, so that nothing precedes the reply",
    remedy: `give the tokenizer a chat template, or ${drop("empty-prompts")}`,
  },
  "missing-end-token": {
    severity: "error",
    describe: "have a reply without end token that was not truncated",
    remedy:
      "mend the chat template so that it ends an assistant's message with eos_token (where it ends one " +
      "with another token at which the model stops, there is nothing to mend), or " +
      drop("missing-end-token"),
  },
  "cut-before-end": {
    severity: "warning",
    describe: "have a reply that lost its end token to truncation",
    remedy: `raise maxLength, or ${drop("cut-before-end")}`,
  },
  truncated: {
    severity: "warning",
    describe: "were truncated",
    remedy: `raise maxLength or maxPromptLength, or ${drop("truncated")}`,
  },
  "boundary-mismatch": {
    severity: "warning",
    describe: "have a generation prompt whose tokens are no prefix of the conversation's",
    remedy: "end the template's generation prompt with a special token or a line break, or " +
      drop("boundary-mismatch"),
  },
  "special-tokens-in-text": {
    severity: "warning",
    describe: "spell a special token in their text, which is then read as one",
    remedy: `mend the rows, or ${drop("special-tokens-in-text")}`,
  },
  "trained-on-test": {
    severity: "error",
    describe: "of the training set come from a test split",
    remedy: "train on the training split",
  },
  "prompt-overlap": {
    severity: "error",
    describe: "have a prompt that is in the training set as well",
    remedy: OTHER_ROWS,
  },
  "prompt-overlap-normalised": {
    severity: "warning",
    describe: "have a prompt that differs from one of the training set only in case, white space " +
      "or Unicode form",
    remedy: OTHER_ROWS,
  },
  "evaluation-overlap": {
    severity: "warning",
    describe:
      "have a prompt that an evaluation set before has too, exactly or but for case, white " +
      "space or Unicode form",
    remedy: "take other rows where the two sets are to say different things",
  },
  "template-mismatch": {
    severity: "error",
    describe: "were tokenized with another tokenizer or chat template than the training set",
    remedy: "tokenize both with the same tokenizer",
  },
  "generation-mismatch": {
    severity: "error",
    describe:
      "were tokenized with another tokenizer or chat template than replies are generated with",
    remedy: "tokenize with the model's own tokenizer and chat template",
  },
};

/** Rows for a sentence: `train:3, train:7, … 5 more`. */
export function nameRows(ids: readonly string[], count: number): string {
  const more = count - ids.length;
  return [...ids, ...(more > 0 ? [`… ${more} more`] : [])].join(", ");
}

/** Codes that a row shows on its own. */
export const ROW_CODES = [
  "identical-pairs",
  "identical-after-truncation",
  "empty-replies",
  "empty-prompts",
  "missing-end-token",
  "cut-before-end",
  "truncated",
  "boundary-mismatch",
  "special-tokens-in-text",
] as const satisfies readonly AuditCode[];

export type RowCode = (typeof ROW_CODES)[number];

/** Whether a row is a case of each code. */
export const ROW_CHECKS: {
  readonly [C in RowCode]: (row: TokenizedRow) => boolean;
} = {
  "identical-pairs": isIdentical,
  "identical-after-truncation": (row) => !isIdentical(row) && sameReplies(row),
  "empty-replies": (row) =>
    row.chosenEmpty || row.rejectedEmpty || row.chosen.length === 0 || row.rejected?.length === 0,
  "empty-prompts": (row) => row.prompt.length === 0,
  "missing-end-token": (row) =>
    (!row.chosenEnded && row.chosen.length === row.before.chosen) ||
    (!row.rejectedEnded && row.rejected?.length === row.before.rejected),
  "cut-before-end": (row) =>
    (!row.chosenEnded && row.chosen.length < row.before.chosen) ||
    (!row.rejectedEnded && (row.rejected?.length ?? 0) < (row.before.rejected ?? 0)),
  truncated: (row) => row.truncation !== "none",
  "boundary-mismatch": (row) => row.boundaryMismatch,
  "special-tokens-in-text": (row) => row.specialInText,
};

/** Whether both replies were the same before truncation; a template may write two texts alike. */
function isIdentical(row: TokenizedRow): boolean {
  const whole = row.chosen.length === row.before.chosen &&
    row.rejected?.length === row.before.rejected;
  return row.identicalText || (whole && sameReplies(row));
}

/** Whether both replies are the same tokens. */
export function sameReplies({ chosen, rejected }: Pick<TokenizedRow, "chosen" | "rejected">) {
  return rejected !== null && chosen.length === rejected.length &&
    chosen.every((id, i) => id === rejected[i]);
}

/**
 * Whether a row's id says that it comes from a test split: the name of its file or split holds the word
 * `test`, as in `test:3`, `prefs_test.jsonl:17` and `data_test-00000-of-00001.parquet:1`.
 */
export function isTestRow(id: string): boolean {
  const name = id.replace(/:[^:]*$/, "");
  return /(?<!\p{L})test(?!\p{L})/iu.test(name);
}
