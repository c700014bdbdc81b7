import { type Agreement, type Preference, sharedAgreement } from "../stats/agreement.ts";
import { itemKey } from "./judged_item.ts";
import type { Judged } from "./judgment.ts";
import { pairCredit, sideOf } from "./pair_credit.ts";

/**
 * How far two judges say the same of the same answers, a verdict a pair and seed: the orders of a pair
 * together, as tables count them. Seeds mean nothing from judge to judge: the lowest of one is held
 * against the lowest of the other, and so on. What one of them did not score, or was not asked about,
 * is left out: equal answers are ties without a judge.
 *
 * @returns null where no pair was judged by both
 */
export function judgeAgreement(one: Judged, other: Judged): Agreement | null {
  return sharedAgreement(verdicts(one), verdicts(other));
}

/** Verdicts by what was judged (systems, question and answers included) and the place of the judge's seed. */
function verdicts({ systems, items, judgments, rule }: Judged): Map<string, Preference> {
  const shown = new Map(items.map((item) => {
    const { id, turn, questions, answers } = item;
    return [itemKey(item), JSON.stringify([id, turn, systems, questions, answers])];
  }));
  const seeds = [...new Set(judgments.map(({ seed }) => seed))]
    .sort((a, b) => (a ?? -1) - (b ?? -1));
  const pairs = Map.groupBy(
    judgments,
    (judgment) => `${seeds.indexOf(judgment.seed)} ${shown.get(itemKey(judgment))}`,
  );
  return new Map([...pairs].flatMap(([pair, ofPair]) => {
    const credit = pairCredit(ofPair, rule);
    const isUnasked = rule.kind !== "gold" && ofPair.every(({ request }) => request === null);
    if (credit === null || isUnasked) return [];
    return [[pair, (["a", "tie", "b"] as const)[sideOf(credit) + 1]] as const];
  }));
}
