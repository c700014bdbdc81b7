import { isObject, type JsonObject } from "./byte_level_words.ts";

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
  return Array.isArray(added) ? added.filter(isObject) : [];
}

/**
 * The tokens of a tokenizer.json: those of its model (ids by token, or tokens with scores in the
 * order of their ids), then the added ones.
 */
export function vocabularyOf(tokenizer: JsonObject): Vocabulary {
  const vocab = isObject(tokenizer.model) ? tokenizer.model.vocab : null;
  const ids = new Map<unknown, number>(
    Array.isArray(vocab)
      ? vocab.map(([token], id) => [token, id])
      : Object.entries(isObject(vocab) ? vocab : {}).map(([token, id]) => [token, Number(id)]),
  );
  for (const { content, id } of addedTokens(tokenizer)) ids.set(content, Number(id));
  const size = 1 + ids.values().reduce((highest, id) => Math.max(highest, id), -1);
  return { size, idOf: (token) => ids.get(token) };
}
