import { readCompletion } from "../eval/judge/completion.ts";
import { price, type Prices } from "../eval/judge/cost.ts";
import { readJudged } from "../eval/judge/judgment.ts";
import type { KeyFields } from "../pipeline/fingerprint.ts";
import type { KeyRecord } from "../pipeline/store/records.ts";
import type { Store } from "../pipeline/store/store.ts";

/**
 * What the answers in a judge's result cost when they were asked for, in dollars; null for other stages,
 * without prices, and where the endpoint counted no tokens. Attempts that failed are not in it.
 */
export async function judgingDollars(store: Store, record: KeyRecord): Promise<number | null> {
  const output = Object.values(record.outputs).find(({ type }) => type === "judgments");
  const prices = pricesOf(record);
  if (output === undefined || prices === null) return null;
  const { judgments } = await readJudged(store.objectPath(output.digest));
  const usages = judgments.flatMap(({ raw }) =>
    (raw === null ? null : readCompletion(raw)?.usage) ?? []
  );
  if (usages.length === 0) return null;
  return usages.reduce((sum, usage) => sum + price(usage, prices), 0);
}

function pricesOf({ fields }: KeyRecord): Prices | null {
  const { params } = fields as unknown as KeyFields;
  if (typeof params !== "object" || params === null || Array.isArray(params)) return null;
  return (params.prices ?? null) as unknown as Prices | null;
}
