/** How byte-level tokenizers cut text into words (Radford et al., 2019: the GPT-2 encoder). */
export const BYTE_LEVEL_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * Spells a byte-level pre-tokenizer out as a split by its pattern followed by bytes. JavaScript's
 * `\s` holds U+FEFF and lacks U+0085, against Oniguruma's, which the `tokenizers` crate uses; the
 * library translates the classes of a spelt-out pattern, but not of the one it has built in.
 *
 * @param tokenizer the content of tokenizer.json, left as it is
 */
export function splitAsOniguruma(
  tokenizer: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return { ...tokenizer, pre_tokenizer: spellOut(tokenizer.pre_tokenizer) };
}

function spellOut(step: unknown): unknown {
  if (typeof step !== "object" || step === null || !("type" in step)) return step;
  if (step.type === "Sequence" && "pretokenizers" in step && Array.isArray(step.pretokenizers)) {
    return { ...step, pretokenizers: step.pretokenizers.map(spellOut) };
  }
  const builtIn = step.type === "ByteLevel" && !("use_regex" in step && step.use_regex === false);
  // A blank put in front comes before the cut, which a separate split cannot do.
  if (!builtIn || ("add_prefix_space" in step && step.add_prefix_space === true)) return step;
  return {
    type: "Sequence",
    pretokenizers: [
      {
        type: "Split",
        pattern: { Regex: BYTE_LEVEL_PATTERN },
        behavior: "Isolated",
        invert: false,
      },
      { ...step, use_regex: false },
    ],
  };
}
