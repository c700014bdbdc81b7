/**
 * The printable character that stands for each byte in a byte-level vocabulary (Radford et al.,
 * 2019): bytes that print as themselves in Latin-1 keep their character, the others take the
 * characters from U+0100 on, in order.
 */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let next = 0x100;
  return Array.from(
    { length: 256 },
    (_, byte) => String.fromCharCode(printable(byte) ? byte : next++),
  );
}
