import { readTokenizerFiles } from "./tokenizer_files.ts";
import { vocabularyOf } from "./vocabulary.ts";

/**
 * Rows that an embedding needs for a tokenizer, in a Hugging Face folder or a GGUF file: one more than
 * its largest token id. Nothing is loaded.
 *
 * @throws InputError as `readTokenizerFiles`
 */
export async function vocabularySize(path: string): Promise<number> {
  return vocabularyOf((await readTokenizerFiles(path)).tokenizer).size;
}
