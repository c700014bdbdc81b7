import assert from "node:assert/strict";
import { auditRemarks } from "../../data/audit_remarks.ts";
import type { TokenizedRow } from "../../data/tokenize.ts";

function row(given: Partial<TokenizedRow>): TokenizedRow {
  return {
    id: "pairs.jsonl:1",
    prompt: Int32Array.of(1),
    chosen: Int32Array.of(2, 9),
    rejected: Int32Array.of(3, 9),
    before: { prompt: 1, chosen: 2, rejected: 2 },
    truncation: "none",
    boundaryMismatch: false,
    identicalText: false,
    chosenEmpty: false,
    rejectedEmpty: false,
    chosenEnded: true,
    rejectedEnded: true,
    specialInText: false,
    promptDigest: "a",
    promptDigestNormalised: "b",
    ...given,
  };
}

Deno.test("auditRemarks() says what an audit would refuse, and nothing of flawless rows or warnings", () => {
  assert.deepEqual(auditRemarks([row({}), row({ truncation: "replies" })]), []);
  const rows = Array.from({ length: 7 }, (_, i) => row({ id: `test_prefs.jsonl:${i + 1}` }));
  assert.deepEqual(auditRemarks([...rows, row({ identicalText: true })]), [
    "7 of 8 pairs of the training set come from a test split (test_prefs.jsonl:1, " +
    "test_prefs.jsonl:2, test_prefs.jsonl:3, test_prefs.jsonl:4, test_prefs.jsonl:5, … 2 more). " +
    "A recipe's audit would refuse them.",
    "1 of 8 pairs have the same chosen and rejected reply, as text or as tokens before truncation " +
    "(pairs.jsonl:1). A recipe's audit would refuse them.",
  ]);
});
