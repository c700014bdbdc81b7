import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import type { ReplyingModel } from "../eval/reply_to_prompts.ts";
import { loadAdapter, mergeAdapterInto } from "../train/models/adapter.ts";
import { type DecoderOptions, openDecoder } from "../train/models/decoder.ts";
import { loadModel } from "../train/models/model.ts";

/** A model that writes. */
export interface Writer extends ReplyingModel, AsyncDisposable {
  readonly tokenizer: Tokenizer;
  /** Which runtime computes, for people. */
  readonly runtime: string;
}

/** How a model is opened for writing. */
export interface WriterOptions
  extends Pick<DecoderOptions, "threads" | "device" | "precision" | "tf32"> {
  readonly tokenizer: Tokenizer;
  /** A folder of an adapter to the model. */
  readonly adapter?: string;
}

/**
 * Opens a model's folder or GGUF file for writing replies.
 *
 * @throws InputError when there is no model, or the adapter is not one of it
 */
export async function openWriter(
  path: string,
  { tokenizer, adapter, threads, device, precision, tf32 }: WriterOptions,
): Promise<Writer> {
  const model = await loadModel(path);
  if (adapter !== undefined) mergeAdapterInto(model, await loadAdapter(adapter, model.config));
  const decoder = await openDecoder(model, { threads, device, precision, tf32 });
  return {
    config: model.config,
    tokenizer,
    decoder,
    runtime: decoder.runtime,
    [Symbol.asyncDispose]: () => decoder.release(),
  };
}
