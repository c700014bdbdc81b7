/** A file that is no data set, and what is to be said of it. */
export interface MalformedFile {
  readonly name: string;
  /** The training split's file. */
  readonly file: string;
  readonly content: (path: string) => Promise<void>;
  /** What the message must be, the folder's name cut off. */
  readonly expected: RegExp;
}

/** The bytes of a text. */
export const bytes = (content: string) => new TextEncoder().encode(content);
/** A row that is right. */
export const GOOD_ROW = '{"prompt":"p","chosen":"c","rejected":"r"}\n';
/** A file of given bytes. */
export function raw(
  name: string,
  content: Uint8Array<ArrayBuffer>,
  expected: RegExp,
  file = "train_prefs.jsonl",
): MalformedFile {
  return { name, file, expected, content: (path) => Deno.writeFile(path, content) };
}
