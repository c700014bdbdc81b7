import { InputError } from "../core/problem.ts";

/**
 * Refuses a tokenizer that a model does not know all tokens of.
 *
 * @throws InputError naming the tokenizer's path
 */
export function requireTokens(
  { path, vocabSize }: { readonly path: string; readonly vocabSize: number },
  model: { readonly vocabSize: number },
): void {
  if (vocabSize <= model.vocabSize) return;
  const message =
    `Expected at most ${model.vocabSize} tokens, as the model has, but found ${vocabSize}.`;
  throw new InputError([{ path, message }]);
}
