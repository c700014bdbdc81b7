/**
 * Artifacts whose files a bundle holds: what was measured, and what was made of it. Weights, token ids,
 * texts and the tokenizer are left out unless they are asked for.
 */
export const MEASURED_TYPES: ReadonlySet<string> = new Set([
  ...["evaluation", "curve", "steps", "audit", "judgments"],
  ...["results", "scores", "reconciliation", "report"],
]);

/** Artifacts that a replay makes anew: tables, and what they are made of. */
export const TABLE_TYPES: ReadonlySet<string> = new Set([
  ...["judgments", "results", "scores", "reconciliation", "report"],
]);
