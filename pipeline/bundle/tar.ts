import { ExpectedError } from "../../core/problem.ts";

/** A file in an archive. */
export interface TarMember {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const BLOCK = 512;
/** Eleven octal digits hold no more. */
const LARGEST = 8 ** 11 - 1;

/**
 * Files as an archive of POSIX `ustar`, in the order they come. Mode, owner and time are the same for
 * every file, so that equal files give equal bytes.
 *
 * @throws ExpectedError for a name longer than the format takes, or a file of 8 GiB and more
 */
export async function* packTar(
  members: AsyncIterable<TarMember>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const { name, size, content } of members) {
    yield headerOf(name, size);
    let written = 0;
    for await (const piece of content) {
      written += piece.length;
      yield new Uint8Array(piece);
    }
    if (written !== size) {
      throw new ExpectedError(`${name} had ${size} bytes and now has ${written}: it was changed.`);
    }
    yield new Uint8Array(padding(size));
  }
  yield new Uint8Array(2 * BLOCK);
}

/**
 * The files of an archive one by one, each to be read before the next is asked for.
 *
 * @throws ExpectedError for what is no file (a link, a folder, a device), a damaged header, and an archive
 *   that ends too soon or goes on after its end
 */
export async function* unpackTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const bytes = new Pieces(chunks);
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const { name, size } = parseHeader(header);
    let left = size;
    const content = async function* () {
      while (left > 0) {
        const piece = await bytes.some(left);
        left -= piece.length;
        yield piece;
      }
    };
    yield { name, size, content: content() };
    if (left > 0) throw new TypeError(`Expected ${name} to be read before what follows it.`);
    await bytes.take(padding(size));
  }
  for (let zeros = 1;; zeros++) {
    const rest = await bytes.upTo(BLOCK);
    if (rest.length === 0 && zeros > 1) return;
    if (rest.length < BLOCK || zeros > 64 || rest.some((byte) => byte !== 0)) {
      throw new ExpectedError("The archive does not end as one should.");
    }
  }
}

function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}

function headerOf(name: string, size: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  const [prefix, rest] = splitName(name);
  if (size > LARGEST) {
    throw new ExpectedError(`${name} has ${size} bytes; an archive holds files of up to 8 GiB.`);
  }
  put(0, rest);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(0, 11)}\0`);
  put(156, "0");
  put(257, "ustar\0" + "00");
  put(345, prefix);
  put(148, `${octal(checksum(header), 6)}\0 `);
  return header;
}

/** The name's folders and its end, at a slash: up to 155 and 100 bytes. */
function splitName(name: string): [prefix: string, rest: string] {
  const length = (text: string) => new TextEncoder().encode(text).length;
  if (length(name) <= 100) return ["", name];
  for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)];
    if (length(rest) <= 100 && length(prefix) <= 155) return [prefix, rest];
  }
  throw new ExpectedError(`An archive cannot hold a file of so long a name: ${name}.`);
}

function parseHeader(header: Uint8Array): { name: string; size: number } {
  const text = (at: number, length: number) => {
    const field = header.subarray(at, at + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  const number = (at: number, length: number) => {
    const digits = text(at, length).trim();
    return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
  };
  const sum = number(148, 8);
  if (text(257, 5) !== "ustar" || sum !== checksum(header)) {
    throw new ExpectedError(
      "The archive holds a header that is damaged, or not of the kind ustar.",
    );
  }
  const prefix = text(345, 155);
  const name = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  const kind = text(156, 1);
  if (kind !== "0" && kind !== "") {
    throw new ExpectedError(
      `Expected files alone but found ${KINDS[kind] ?? "something else"}: ${name}.`,
    );
  }
  const size = number(124, 12);
  if (!Number.isSafeInteger(size)) throw new ExpectedError(`The size of ${name} cannot be read.`);
  return { name, size };
}

const KINDS: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a device",
  "4": "a device",
  "5": "a folder",
  "6": "a pipe",
};

/** The sum of a header's bytes, its own field read as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 8 * 0x20;
  header.forEach((byte, at) => sum += at >= 148 && at < 156 ? 0 : byte);
  return sum;
}

function octal(number: number, digits: number): string {
  return number.toString(8).padStart(digits, "0");
}

/** Chunks of any size, read in the sizes that are asked for. */
class Pieces {
  #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** At least one byte and at most so many. */
  async some(most: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#iterator.next();
      if (done) throw new ExpectedError("The archive ends too soon: it was cut short.");
      this.#chunk = value;
    }
    const piece = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  /** Exactly so many bytes. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const piece = await this.some(count - at);
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** So many bytes, or those that are left. */
  async upTo(count: number): Promise<Uint8Array> {
    if (this.#chunk.length === 0) {
      const { done, value } = await this.#iterator.next();
      if (done) return new Uint8Array();
      this.#chunk = value;
      return await this.upTo(count);
    }
    return await this.take(count);
  }
}
