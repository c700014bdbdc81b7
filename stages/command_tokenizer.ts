import { pathParam } from "../pipeline/path_param.ts";
import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import { requireTokens } from "./require_tokens.ts";

/** Parameters of a command that reads texts for a model. */
export const tokenizerParams = {
  tokenizer: pathParam({ kind: "either", describe: "a Hugging Face folder or a GGUF file" })
    .optional(),
  template: pathParam({ kind: "file", describe: "a chat template in Jinja" }).optional(),
};

/**
 * The tokenizer that a command names, else the model's own, with the chat template that it names.
 *
 * @param warn told what `transformers` would read otherwise
 * @throws InputError as `loadTokenizer`, and when a tokenizer that is named has more tokens than the model
 */
export async function openTokenizer(
  { model, tokenizer, template }: {
    readonly model: string;
    readonly tokenizer?: string;
    readonly template?: string;
  },
  warn: (message: string) => void,
): Promise<Tokenizer> {
  const { loadTokenizer } = await import("../data/tokenizer/tokenizer.ts");
  const { loadModelConfig } = await import("../train/models/model.ts");
  const opened = await loadTokenizer(tokenizer ?? model, { template });
  if (tokenizer !== undefined) {
    requireTokens({ ...opened, path: tokenizer }, await loadModelConfig(model));
  }
  opened.remarks.forEach(warn);
  return opened;
}
