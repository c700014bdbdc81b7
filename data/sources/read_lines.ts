import { pipeline, Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { createGunzip } from "node:zlib";

/** A line of a text file; `text` is null where its bytes are no UTF-8, or more than were allowed. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string | null;
  /** Without the line's end. */
  readonly bytes: number;
}

/**
 * The lines of a file, streamed, without their ends (`\n` or `\r\n`); a file whose name ends in
 * `.gz` is unpacked on the way. Each line is checked to be UTF-8 on its own, so that one bad line
 * does not hide the others. A byte-order mark at the very start is dropped.
 *
 * @param options.mostBytes a line with more is counted, not kept: memory stays bounded
 */
export async function* readLines(
  path: string,
  { mostBytes = Infinity }: { readonly mostBytes?: number } = {},
): AsyncGenerator<Line> {
  const file = await Deno.open(path, { read: true });
  const bytes = path.endsWith(".gz") ? unpacked(file.readable) : file.readable;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let number = 0;
  let length = 0;
  let rest: Uint8Array[] = [];
  const keep = (part: Uint8Array) => {
    length += part.length;
    if (length > mostBytes) rest = [];
    else rest.push(part);
  };
  const finish = (): Line => {
    number++;
    const text = length > mostBytes ? null : decodeLine(decoder, concatenate(rest), number === 1);
    const line = { number, text, bytes: length };
    rest = [];
    length = 0;
    return line;
  };
  for await (const block of bytes) {
    let start = 0;
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, start)) {
      keep(block.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    if (start < block.length) keep(block.subarray(start));
  }
  if (length > 0) yield finish();
}

/**
 * What is packed in a gzip file, of all its members: files that were joined with `cat` have several, as have
 * those of `bgzip`. `DecompressionStream` knows one.
 */
function unpacked(packed: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  // What goes wrong reaches whoever reads the last stream.
  return pipeline(Readable.fromWeb(packed as NodeStream), createGunzip(), () => {});
}

/** Whether an error of `readLines` says that a `.gz` file is no gzip, or ends too early. */
export function isGzipDamage(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

function decodeLine(decoder: TextDecoder, bytes: Uint8Array, first: boolean): string | null {
  try {
    const text = decoder.decode(bytes);
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    return first && line.startsWith("\uFEFF") ? line.slice(1) : line;
  } catch {
    return null;
  }
}

function concatenate(blocks: readonly Uint8Array[]): Uint8Array {
  if (blocks.length === 1) return blocks[0];
  const whole = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
