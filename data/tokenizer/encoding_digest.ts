import { sha256 } from "../../core/digest.ts";
import { canonicalJson, isRecord } from "../../core/json.ts";
import type { JsonObject } from "./byte_level_words.ts";

/**
 * SHA-256 (hex) of all that decides which ids a text gets by a tokenizer.json: normalizer, pre-tokenizer,
 * model and added tokens. The order of a vocabulary's entries, and whether merges are written as texts or
 * as pairs, make no difference.
 */
export function digestEncoding(
  { normalizer = null, pre_tokenizer = null, model, added_tokens = [] }: JsonObject,
): string {
  const { vocab, merges, ...rest } = isRecord(model) ? model : {};
  // Written by JSON.stringify(), which for 50,000 tokens takes a tenth of the time of canonicalJson().
  const lists = JSON.stringify([
    isRecord(vocab) ? Object.entries(vocab).sort(([, a], [, b]) => Number(a) - Number(b)) : vocab,
    Array.isArray(merges)
      ? merges.map((merge) => Array.isArray(merge) ? merge.join(" ") : merge)
      : merges,
  ]);
  return sha256(canonicalJson({ normalizer, pre_tokenizer, rest, added_tokens }) + lists);
}
