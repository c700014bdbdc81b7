import { specialTokenEntries } from "../tokenizer/special_tokens.ts";
import { BOS, EOS, PAD, SEPARATOR, VOCABULARY } from "./vocabulary.ts";

/** Renders a prompt as `<bos> PROMPT <sep>` and its reply as ` REPLY <eos>`. */
const CHAT_TEMPLATE = "{% for message in messages %}" +
  "{% if message['role'] == 'user' %}" +
  `{{ bos_token + ' ' + message['content'] + ' ${SEPARATOR}' }}` +
  "{% else %}{{ ' ' + message['content'] + ' ' + eos_token }}{% endif %}" +
  "{% endfor %}";

/**
 * Writes the world's tokenizer as a Hugging Face folder: one token a word, split at blanks, no token
 * for unknown words (text outside the world is an error, not a guess).
 */
export async function writeWorldTokenizer(folder: string): Promise<void> {
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specialTokenEntries([PAD, BOS, SEPARATOR, EOS], VOCABULARY),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])),
      unk_token: "<unk>",
    },
  };
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: BOS,
    eos_token: EOS,
    pad_token: PAD,
    clean_up_tokenization_spaces: false,
  };
  await Deno.mkdir(folder, { recursive: true });
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await write("tokenizer.json", `${JSON.stringify(tokenizer, null, 1)}\n`);
  await write("tokenizer_config.json", `${JSON.stringify(config, null, 1)}\n`);
  await write("chat_template.jinja", CHAT_TEMPLATE);
}
