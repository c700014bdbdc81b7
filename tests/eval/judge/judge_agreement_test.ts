import assert from "node:assert/strict";
import { judgeAgreement } from "../../../eval/judge/judge_agreement.ts";
import type { Judged } from "../../../eval/judge/judgment.ts";
import { judgedPairs } from "./judged_pairs.ts";

/** The same judgments, of which nobody was asked for those of these ids. */
function unasked(judged: Judged, ids: readonly string[]): Judged {
  const judgments = judged.judgments.map((one) =>
    ids.includes(one.id) ? { ...one, request: null, raw: null } : one
  );
  return { ...judged, judgments };
}

Deno.test("judgeAgreement() leaves out equal answers, of which no judge said anything", () => {
  const [one, other] = [judgedPairs([[1], [0], [0.5]]), judgedPairs([[1], [1], [0.5]])]
    .map((judged) => unasked(judged, ["2"]));
  assert.deepEqual(judgeAgreement(one, other), { observed: 50, kappa: 0, n: 2 });
  assert.equal(judgeAgreement(unasked(one, ["0", "1"]), other), null);
});

Deno.test("judgeAgreement() holds a judge against gold, whom nobody asks", () => {
  const gold = unasked(judgedPairs([[1], [0]], { judge: "gold", rule: { kind: "gold" } }), [
    ...["0", "1"],
  ]);
  assert.deepEqual(judgeAgreement(judgedPairs([[1, 1], [0, 0]]), gold), {
    ...{ observed: 100, kappa: 1, n: 2 },
  });
});
