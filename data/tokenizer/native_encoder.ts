import type { Tokenizer as CrateTokenizer } from "@anush008/tokenizers";
import { isRecord } from "../../core/json.ts";
import { BYTE_CHARACTERS } from "./byte_alphabet.ts";
import type { JsonObject } from "./byte_level_words.ts";
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
 * The crate passes over what a vocabulary cannot write. Where that is a few bytes, texts that hold
 * one of them go to `one`; where it may be anything, the crate is left alone.
 *
 * @param tokenizer the content of tokenizer.json
 * @param one the portable library's ids of a text
 */
export function openNativeEncoder(
  tokenizer: JsonObject,
  one: (text: string) => readonly number[],
): NativeEncoder {
  const unwritten = unwrittenBytes(tokenizer);
  if (unwritten === null) {
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
  const writes = writer(unwritten);
  return {
    async encodeMany(texts) {
      const written = texts.filter(writes);
      const encodings = await crate.encodeBatch(written, { addSpecialTokens: false });
      let at = 0;
      return texts.map((text) => text === written[at] ? encodings[at++].getIds() : one(text));
    },
  };
}

/** Tells whether a text is free of some bytes. */
function writer(unwritten: ReadonlySet<number>): (text: string) => boolean {
  if (unwritten.size === 0) return () => true;
  const encoder = new TextEncoder();
  return (text) => !encoder.encode(text).some((byte) => unwritten.has(byte));
}

/** The bytes for which a vocabulary has no token; null where it may lack more than bytes. */
function unwrittenBytes({ model, pre_tokenizer }: JsonObject): ReadonlySet<number> | null {
  const none = new Set<number>();
  if (!isRecord(model)) return null;
  if (typeof model.unk_id === "number") return none;
  const { vocab, unk_token: unknown } = model;
  if (!isRecord(vocab)) return null;
  if (typeof unknown === "string" && unknown in vocab) return none;
  if (model.byte_fallback === true) {
    return BYTES.every((byte) => byteToken(byte) in vocab) ? none : null;
  }
  if (!hasByteLevel(pre_tokenizer)) return null;
  return new Set(BYTES.filter((byte) => !(BYTE_CHARACTERS[byte] in vocab)));
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

function hasByteLevel(step: unknown): boolean {
  if (!isRecord(step)) return false;
  if (step.type === "ByteLevel") return true;
  return Array.isArray(step.pretokenizers) && step.pretokenizers.some(hasByteLevel);
}
