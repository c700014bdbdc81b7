import { loadTokenizer, type Tokenizer } from "../data/tokenizer/tokenizer.ts";
import type { ReplyingModel } from "../eval/reply_to_prompts.ts";
import { loadAdapter, mergeAdapter } from "../train/models/adapter.ts";
import { openDecoder } from "../train/models/decoder.ts";
import { loadModel } from "../train/models/model.ts";

/** A model that writes. */
export interface Writer extends ReplyingModel, AsyncDisposable {
  readonly tokenizer: Tokenizer;
  /** Which runtime computes, for people. */
  readonly runtime: string;
}

/**
 * Opens a model's folder or GGUF file, with its own tokenizer, for writing replies.
 *
 * @throws InputError when there is no model or tokenizer, or the adapter is not one of it
 */
export async function openWriter(
  path: string,
  { threads, adapter }: { readonly threads: number; readonly adapter?: string },
): Promise<Writer> {
  const tokenizer = await loadTokenizer(path);
  const base = await loadModel(path);
  const model = adapter === undefined
    ? base
    : mergeAdapter(base, await loadAdapter(adapter, base.config));
  const decoder = await openDecoder(model, { threads });
  return {
    config: model.config,
    tokenizer,
    decoder,
    runtime: decoder.runtime,
    [Symbol.asyncDispose]: () => decoder.release(),
  };
}
