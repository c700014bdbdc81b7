import { isMissing } from "../../core/write_atomically.ts";
import { parseObject } from "./records.ts";

/** Bytes read at once. */
const BLOCK = 1 << 18;

/** Characters of the longest line that is kept; a longer one is passed over. */
const LONGEST_LINE = 1 << 22;

/**
 * Reads a file of events while another process appends to it. It only reads, takes no lock, and holds
 * the file open no longer than a call takes; of what it read it keeps the line that is not whole yet.
 */
export class EventFollower {
  #offset = 0;
  #decoder = new TextDecoder();
  #rest = "";
  #passingOver = false;

  constructor(readonly path: string) {}

  /**
   * Gives every whole line that was added since the last call, in order; lines that are no JSON object
   * are left out, and so is all of a file that is not there.
   */
  async read(receive: (event: Record<string, unknown>) => void): Promise<void> {
    using file = await openIfThere(this.path);
    if (file === null) return;
    const { size } = await file.stat();
    await file.seek(this.#offset, Deno.SeekMode.Start);
    const block = new Uint8Array(BLOCK);
    while (this.#offset < size) {
      const count = await file.read(block);
      if (count === null) return;
      this.#offset += count;
      this.#take(this.#decoder.decode(block.subarray(0, count), { stream: true }), receive);
    }
  }

  #take(text: string, receive: (event: Record<string, unknown>) => void): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const event = this.#passingOver ? null : parseObject(line);
      this.#passingOver = false;
      if (event !== null) receive(event);
    }
    if (this.#rest.length <= LONGEST_LINE) return;
    this.#rest = "";
    this.#passingOver = true;
  }
}

async function openIfThere(path: string): Promise<Deno.FsFile | null> {
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
