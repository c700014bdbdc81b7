import { isFile } from "../../core/is_file.ts";
import { readTokenizerFiles, saveTokenizerFiles } from "./tokenizer_files.ts";
import { agreeingConfig, readingRemarks } from "./transformers_reading.ts";

/** What was exported. */
export interface ExportedTokenizer {
  readonly hasChatTemplate: boolean;
  /** What `transformers` reads of it otherwise all the same, a sentence each, with the path. */
  readonly remarks: readonly string[];
}

/**
 * Writes a tokenizer's files as transformers of versions 4 and 5 read them: as `saveTokenizerFiles`
 * does, with the chat template in tokenizer_config.json as well, and with what makes of a config that
 * contradicts tokenizer.json one that does not.
 *
 * @param modelType `model_type` of the model that it is exported with
 * @throws InputError as `readTokenizerFiles`
 */
export async function exportTokenizer(
  from: string,
  folder: string,
  modelType: string,
): Promise<ExportedTokenizer> {
  const { tokenizer, config: own, template } = await readTokenizerFiles(from);
  await saveTokenizerFiles(from, folder);
  const config = agreeingConfig({ tokenizer, config: own }, modelType);
  const remarks = readingRemarks({ tokenizer, config }, modelType)
    .map(({ message }) => `${from}: ${message}`);
  if (template === null && config === own) return { hasChatTemplate: false, remarks };
  // Several named templates are in there already.
  const chat_template = Array.isArray(config.chat_template)
    ? config.chat_template
    : template?.source;
  const text = JSON.stringify({ ...config, chat_template }, null, 1);
  await Deno.writeTextFile(`${folder}/tokenizer_config.json`, `${text}\n`);
  // What it says is in the config, as far as that is kept.
  const map = `${folder}/special_tokens_map.json`;
  if (config !== own && await isFile(map)) await Deno.remove(map);
  return { hasChatTemplate: template !== null, remarks };
}
