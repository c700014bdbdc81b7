import type { Tokenizer as CrateTokenizer } from "@anush008/tokenizers";
import { BYTE_CHARACTERS } from "./byte_alphabet.ts";
import { isObject, type JsonObject } from "./byte_level_words.ts";
import { loadNativeBinding } from "./native_binding.ts";

/** Token ids of many texts at once, special tokens recognised, none added. */
export type EncodeMany = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>;

/** The `tokenizers` crate on a tokenizer, or why it is not used. */
export type NativeEncoder =
  | { readonly encodeMany: EncodeMany }
  | { readonly encodeMany: null; readonly reason: string };

/**
 * Opens a tokenizer with the `tokenizers` crate through its Node binding, which works on all cores.
 *
 * It is left alone where it would not give what the portable library gives: with a vocabulary that
 * cannot write every text, the crate passes over what it cannot write.
 *
 * @param tokenizer the content of tokenizer.json
 */
export function openNativeEncoder(tokenizer: JsonObject): NativeEncoder {
  if (!writesEveryText(tokenizer)) {
    return { encodeMany: null, reason: "its vocabulary cannot write every text" };
  }
  let crate: CrateTokenizer;
  try {
    const { Tokenizer } = loadNativeBinding();
    // The crate would cut and pad by these; the portable library does not know them.
    crate = Tokenizer.fromString(
      JSON.stringify({ ...tokenizer, truncation: null, padding: null }),
    );
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { encodeMany: null, reason };
  }
  return {
    async encodeMany(texts) {
      const encodings = await crate.encodeBatch([...texts], { addSpecialTokens: false });
      return encodings.map((encoding) => encoding.getIds());
    },
  };
}

/** Whether a vocabulary has a token for unknown words, or one for each byte. */
function writesEveryText({ model, pre_tokenizer }: JsonObject): boolean {
  if (!isObject(model)) return false;
  if (typeof model.unk_id === "number") return true;
  const { vocab, unk_token: unknown } = model;
  if (!isObject(vocab)) return false;
  if (typeof unknown === "string" && unknown in vocab) return true;
  if (model.byte_fallback === true) return BYTES.every((byte) => byteToken(byte) in vocab);
  return hasByteLevel(pre_tokenizer) && BYTE_CHARACTERS.every((letter) => letter in vocab);
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

function hasByteLevel(step: unknown): boolean {
  if (!isObject(step)) return false;
  if (step.type === "ByteLevel") return true;
  return Array.isArray(step.pretokenizers) && step.pretokenizers.some(hasByteLevel);
}
