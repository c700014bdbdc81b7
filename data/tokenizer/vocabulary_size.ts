/**
 * Rows that an embedding needs for a folder's `tokenizer.json`: one more than its largest token id.
 * The file is read as it is; nothing is loaded.
 */
export async function vocabularySize(folder: string): Promise<number> {
  const { model, added_tokens = [] } = JSON.parse(
    await Deno.readTextFile(`${folder}/tokenizer.json`),
  ) as {
    model: { vocab: Record<string, number> | unknown[] };
    added_tokens?: { id: number }[];
  };
  const ids = Array.isArray(model.vocab) ? [model.vocab.length - 1] : Object.values(model.vocab);
  return 1 + [...ids, ...added_tokens.map(({ id }) => id)].reduce((a, b) => Math.max(a, b), -1);
}
