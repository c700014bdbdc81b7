import { isRecord } from "../../core/json.ts";
import type { JsonObject } from "./byte_level_words.ts";

/** The tokens of a tokenizer. */
export interface Vocabulary {
  /** One more than the highest id. */
  readonly size: number;
  /** The id of a token; undefined for none. */
  idOf(token: string): number | undefined;
}

/** The added tokens that a tokenizer.json lists, special ones among them. */
export function addedTokens(tokenizer: JsonObject): JsonObject[] {
  const { added_tokens: added } = tokenizer;
  return Array.isArray(added) ? added.filter(isRecord) : [];
}

/**
 * The tokens of a tokenizer.json: those of its model (ids by token, or tokens with scores in the
 * order of their ids), then the added ones.
 */
export function vocabularyOf(tokenizer: JsonObject): Vocabulary {
  const added = new Map(addedTokens(tokenizer).map(({ content, id }) => [content, Number(id)]));
  const model = modelIds(tokenizer);
  let highest = -1;
  for (const ids of [added.values(), model.ids]) {
    for (const id of ids) highest = Math.max(highest, id);
  }
  return { size: 1 + highest, idOf: (token) => added.get(token) ?? model.idOf(token) };
}

/** The tokens of the model. A record of ids is asked as it is: a copy of 50,000 takes its time. */
function modelIds({ model }: JsonObject): { ids: Iterable<number>; idOf: Vocabulary["idOf"] } {
  const vocab = isRecord(model) ? model.vocab : null;
  if (isRecord(vocab)) {
    const ids = Object.values(vocab).map(Number);
    return {
      ids,
      idOf: (token) => Object.hasOwn(vocab, token) ? Number(vocab[token]) : undefined,
    };
  }
  const listed: readonly unknown[] = Array.isArray(vocab) ? vocab : [];
  const ids = new Map(listed.map((entry, id) => [(entry as [unknown])[0], id]));
  return { ids: ids.values(), idOf: (token) => ids.get(token) };
}
