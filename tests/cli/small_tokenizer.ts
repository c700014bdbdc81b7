import { type BpeVocabulary, trainByteLevelBpe } from "../../data/tokenizer/train_bpe.ts";
import { writeBpeTokenizer } from "../../data/tokenizer/write_bpe_tokenizer.ts";

/** The chat template of `writeSmallTokenizer`. */
export const TEMPLATE =
  "{% for m in messages %}{{ '<|turn|>' + m.content + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|turn|>' }}{% endif %}";

/** A byte-level tokenizer of 280 tokens at most, trained on a few texts, in a Hugging Face folder. */
export async function writeSmallTokenizer(
  folder: string,
  texts: readonly string[],
): Promise<BpeVocabulary & { readonly specialTokens: readonly string[] }> {
  const specialTokens = ["<|pad|>", "<|turn|>", "<|end|>"];
  const vocabulary = await trainByteLevelBpe(
    (async function* () {
      yield* texts;
    })(),
    { vocabSize: 280, specialTokens },
  );
  await writeBpeTokenizer(folder, {
    vocabulary,
    specialTokens,
    padToken: "<|pad|>",
    bosToken: "<|turn|>",
    eosToken: "<|end|>",
    chatTemplate: TEMPLATE,
  });
  return { specialTokens, ...vocabulary };
}
