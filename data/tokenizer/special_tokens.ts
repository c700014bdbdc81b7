/** Entries of tokenizer.json's `added_tokens`: special tokens, found in text as they stand. */
export function specialTokenEntries(specials: readonly string[], vocabulary: readonly string[]) {
  return specials.map((content) => ({
    id: vocabulary.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}
