import { readTokenizerFiles, saveTokenizerFiles } from "./tokenizer_files.ts";

/**
 * Writes a tokenizer's files as transformers of versions 4 and 5 read them: as `saveTokenizerFiles`
 * does, with the chat template in tokenizer_config.json as well.
 *
 * @returns whether there is a chat template
 * @throws InputError as `readTokenizerFiles`
 */
export async function exportTokenizer(from: string, folder: string): Promise<boolean> {
  const { config, template } = await readTokenizerFiles(from);
  await saveTokenizerFiles(from, folder);
  if (template === null) return false;
  // Several named templates are in there already.
  const given = Array.isArray(config.chat_template) ? config.chat_template : template.source;
  const text = JSON.stringify({ ...config, chat_template: given }, null, 1);
  await Deno.writeTextFile(`${folder}/tokenizer_config.json`, `${text}\n`);
  return true;
}
