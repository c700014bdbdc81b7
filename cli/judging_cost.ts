import { readCompletion } from "../eval/judge/completion.ts";
import { price, type Prices } from "../eval/judge/cost.ts";
import { holdsJudged, readJudged } from "../eval/judge/judged_files.ts";
import type { KeyFields } from "../pipeline/fingerprint.ts";
import type { KeyRecord } from "../pipeline/store/records.ts";
import type { Store } from "../pipeline/store/store.ts";

/** What a judge's result took of its judge. */
export interface JudgingCost {
  /** Answers that are in no result before. */
  readonly answers: number;
  /** What they cost when they were asked for; null without prices, or where no tokens were counted. */
  readonly dollars: number | null;
}

/**
 * What the answers in a judge's result took; null for the results of other stages, and of judges that
 * nobody was asked for. Attempts that failed are not in it.
 *
 * @param counted requests whose answers are in results before this one: they were asked once, and count
 * there; those of this one are added
 */
export async function judgingCost(
  store: Store,
  record: KeyRecord,
  counted: Set<string>,
): Promise<JudgingCost | null> {
  const output = Object.values(record.outputs).find(({ type }) => type === "judgments");
  if (output === undefined) return null;
  const folder = store.objectPath(output.digest);
  if (!await holdsJudged(folder)) return null;
  const answered = (await readJudged(folder)).judgments.filter(({ raw }) => raw !== null);
  if (answered.length === 0) return null;
  const own = new Map(answered.map(({ request, raw }) => [request ?? "", raw!]));
  const fresh = [...own].filter(([request]) => !counted.has(request));
  fresh.forEach(([request]) => counted.add(request));
  const usages = fresh.flatMap(([, raw]) => readCompletion(raw)?.usage ?? []);
  const prices = pricesOf(record);
  const known = prices !== null && usages.length === fresh.length;
  return {
    answers: fresh.length,
    dollars: known ? usages.reduce((sum, usage) => sum + price(usage, prices), 0) : null,
  };
}

function pricesOf({ fields }: KeyRecord): Prices | null {
  const { params } = fields as unknown as KeyFields;
  if (typeof params !== "object" || params === null || Array.isArray(params)) return null;
  return (params.prices ?? null) as unknown as Prices | null;
}
