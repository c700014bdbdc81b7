/** A part of the library's decoder, as far as it is looked at. */
interface Decoder {
  readonly config?: { readonly type?: unknown };
  /** Of a sequence. */
  readonly decoders?: readonly Decoder[];
  text_decoder?: unknown;
}

/**
 * Bytes that tokens such as `<0xE4>` stand for, as the `tokenizers` crate reads them: as UTF-8, or, where
 * they are none as a whole, as one U+FFFD a byte. A U+FEFF in front is text.
 */
export function readFallbackBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "\uFFFD".repeat(bytes.length);
  }
}

/**
 * Makes the portable library's decoder read bytes as the crate does: it drops a U+FEFF in front, and
 * counts what is no UTF-8 otherwise.
 */
export function mendByteFallback(decoder: unknown): void {
  const { config, decoders = [] } = decoder as Decoder ?? {};
  decoders.forEach(mendByteFallback);
  if (config?.type !== "ByteFallback") return;
  (decoder as Decoder).text_decoder = { decode: readFallbackBytes };
}
