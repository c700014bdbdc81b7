import { createHash } from "node:crypto";
import { canonicalJson } from "./json.ts";

/** SHA-256 in lower-case hex (64 characters) of bytes or of a UTF-8 string. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** SHA-256 in hex of a value's canonical JSON. */
export function digestJson(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** A SHA-256 fed piece by piece. */
export class StreamingDigest {
  #hash = createHash("sha256");

  /** Adds bytes or a UTF-8 string and returns itself. */
  update(content: Uint8Array | string): this {
    this.#hash.update(content);
    return this;
  }

  /** The digest in hex of all that was added; ends the stream. */
  hex(): string {
    return this.#hash.digest("hex");
  }
}

const BLOCK = 1 << 20;

/** SHA-256 in hex and size in bytes of a file, read in blocks of at most 1 MiB. */
export async function digestFile(path: string): Promise<{ sha256: string; size: number }> {
  using file = await Deno.open(path, { read: true });
  const hash = new StreamingDigest();
  // No more than the file needs, and a byte to find its end: memory that is let go is not free at once.
  const block = new Uint8Array(Math.min(BLOCK, (await file.stat()).size + 1));
  let size = 0;
  for (;;) {
    const count = await file.read(block);
    if (count === null) return { sha256: hash.hex(), size };
    hash.update(block.subarray(0, count));
    size += count;
  }
}
