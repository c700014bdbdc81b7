/** An entry of tokenizer.json's `added_tokens`: found in text as it stands. */
export function addedTokenEntry(token: { id: number; content: string; special: boolean }) {
  const { id, content, special } = token;
  return {
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special,
  };
}

/** Entries of tokenizer.json's `added_tokens` for special tokens. */
export function specialTokenEntries(specials: readonly string[], vocabulary: readonly string[]) {
  return specials.map((content) =>
    addedTokenEntry({ id: vocabulary.indexOf(content), content, special: true })
  );
}
