import { sha256 } from "../../core/digest.ts";

const HEX_DIGEST = /^[0-9a-f]{64}$/;
const LONGEST_NAME = 200;

/**
 * A file name for any text, the same for the same text and different for different ones: letters,
 * digits and `_ @ = , + -` stay, every other byte becomes `%2F` and the like (dots too, so that `..`
 * leads nowhere); a long one is cut and ends in its digest.
 *
 * @throws RangeError when the text is empty or holds half a surrogate pair
 *
 * @example
 * ```ts
 * import { encodeName } from "./names.ts";
 * if (encodeName("train/dpo@seed=1") !== "train%2Fdpo@seed=1") throw new Error();
 * ```
 */
export function encodeName(text: string): string {
  if (text === "" || !text.isWellFormed()) {
    throw new RangeError(`Expected a name of whole characters but found ${JSON.stringify(text)}.`);
  }
  const encoded = text.replace(
    /[^A-Za-z0-9_@=,+-]/gu,
    (character) =>
      Array.from(
        new TextEncoder().encode(character),
        (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
      ).join(""),
  );
  if (encoded.length <= LONGEST_NAME) return encoded;
  return `${encoded.slice(0, LONGEST_NAME - 65)}-${sha256(text)}`;
}

/**
 * The digest itself when it is one.
 * @throws RangeError when it is not a SHA-256 in lower-case hex
 */
export function checkDigest(digest: string, what: string): string {
  if (HEX_DIGEST.test(digest)) return digest;
  throw new RangeError(
    `Expected ${what} to be a SHA-256 in lower-case hex but found ${JSON.stringify(digest)}.`,
  );
}

/** Where the record of a key lies in a store, and in all that is laid out as one. */
export function keyPlace(key: string): string {
  return `keys/${key.slice(0, 2)}/${key}.json`;
}

/** The folder of an object there. */
export function objectPlace(digest: string): string {
  return `objects/${digest.slice(0, 2)}/${digest}`;
}

/** True for a SHA-256 in lower-case hex. */
export function isDigest(text: string): boolean {
  return HEX_DIGEST.test(text);
}
