/** How far two raters give the same labels to the same items. */
export interface Agreement {
  /** Items with equal labels, percent. */
  readonly observed: number;
  /**
   * Cohen's κ (1960): agreement beyond what the raters' own label frequencies give by chance, 1 at
   * most; null where chance alone gives full agreement.
   */
  readonly kappa: number | null;
  readonly n: number;
}

/**
 * Agreement of two judges.
 *
 * @param a labels of the first, one an item
 * @param b labels of the second on the same items, in the same order
 * @throws RangeError when the numbers of labels differ, or there is none
 *
 * @example
 * ```ts
 * import { agreement } from "./agreement.ts";
 * const { observed, kappa } = agreement(["a", "b", "a", "b"], ["a", "b", "b", "b"]);
 * if (observed !== 75 || kappa !== 0.5) throw new Error();
 * ```
 */
export function agreement(a: readonly string[], b: readonly string[]): Agreement {
  requireAlike(a, b);
  const n = a.length;
  const observed = a.filter((label, i) => label === b[i]).length / n;
  const share = (labels: readonly string[], label: string) =>
    labels.filter((each) => each === label).length / n;
  let chance = 0;
  for (const label of new Set(a)) chance += share(a, label) * share(b, label);
  return {
    observed: 100 * observed,
    kappa: chance === 1 ? null : (observed - chance) / (1 - chance),
    n,
  };
}

/**
 * Agreement of two judges on the items that both labelled.
 *
 * @param a label of each item, by its key
 * @param b the other judge's
 * @returns null where they share no item
 */
export function sharedAgreement(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): Agreement | null {
  const shared = [...a.keys()].filter((key) => b.has(key));
  if (shared.length === 0) return null;
  return agreement(shared.map((key) => a.get(key)!), shared.map((key) => b.get(key)!));
}

/** `The other judge says the same in 67.5% of 160 turns, κ 0.49`. */
export function describeAgreement({ observed, kappa, n }: Agreement, what: string): string {
  const beyond = kappa === null ? "" : `, κ ${kappa.toFixed(2)}`;
  return `The other judge says the same in ${observed.toFixed(1)}% of ${n} ${what}${beyond}`;
}

/** What a judge said of the answers of a and b. */
export type Preference = "a" | "b" | "tie";

/** How far a judge's verdicts hold when the answers change places; shares of the items, percent. */
export interface OrderConsistency {
  /** The same verdict in both orders. */
  readonly consistent: number;
  /** The answer shown first preferred in both orders. */
  readonly first: number;
  /** The answer shown second preferred in both orders. */
  readonly second: number;
  readonly n: number;
}

/**
 * Consistency between the two orders of a pairwise judgment. What remains to 100 is a tie in one
 * order and a preference in the other.
 *
 * @param aFirst verdicts with a's answer shown first
 * @param bFirst verdicts on the same items with b's answer shown first, in the same order
 * @throws RangeError when the numbers of verdicts differ, or there is none
 */
export function orderConsistency(
  aFirst: readonly Preference[],
  bFirst: readonly Preference[],
): OrderConsistency {
  requireAlike(aFirst, bFirst);
  const n = aFirst.length;
  const share = (holds: (one: Preference, other: Preference) => boolean) =>
    100 * aFirst.filter((one, i) => holds(one, bFirst[i])).length / n;
  return {
    consistent: share((one, other) => one === other),
    first: share((one, other) => one === "a" && other === "b"),
    second: share((one, other) => one === "b" && other === "a"),
    n,
  };
}

function requireAlike(a: readonly string[], b: readonly string[]): void {
  if (a.length === b.length && a.length > 0) return;
  throw new RangeError(
    `Expected as many labels of a as of b, and at least 1, but found ${a.length} and ${b.length}.`,
  );
}
