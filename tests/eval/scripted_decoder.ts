import type { TokenDecoder } from "../../train/models/token_decoder.ts";

/**
 * A decoder whose logits are a function of the tokens read so far: a controllable stand-in for a
 * model, which also counts what was asked of it.
 */
export class ScriptedDecoder implements TokenDecoder {
  /** Rows of each reading of prompts and each step, in order. */
  readonly rowsSeen: number[] = [];
  readonly cacheFloats: number = 1;
  released = false;
  #sequences: number[][] = [];

  constructor(
    readonly vocabSize: number,
    readonly logitsAfter: (tokens: readonly number[]) => readonly number[],
  ) {}

  reserve(): void {}

  add(prompts: readonly Int32Array[]): Promise<Float32Array> {
    if (new Set(prompts.map((prompt) => prompt.length)).size !== 1) {
      throw new RangeError("Expected prompts of one length.");
    }
    const added = prompts.map((prompt) => [...prompt]);
    this.#sequences.push(...added);
    return this.#logits(added);
  }

  step(tokens: Int32Array): Promise<Float32Array> {
    if (tokens.length !== this.#sequences.length) throw new RangeError("Expected one token a row.");
    tokens.forEach((token, i) => this.#sequences[i].push(token));
    return this.#logits(this.#sequences);
  }

  drop(row: number): void {
    const last = this.#sequences.pop()!;
    if (row < this.#sequences.length) this.#sequences[row] = last;
  }

  clear(): void {
    this.#sequences = [];
  }

  release(): Promise<void> {
    this.released = true;
    return Promise.resolve();
  }

  #logits(sequences: readonly (readonly number[])[]): Promise<Float32Array> {
    this.rowsSeen.push(sequences.length);
    return Promise.resolve(
      Float32Array.from(sequences.flatMap((tokens) => [...this.logitsAfter(tokens)])),
    );
  }
}

/** Logits that put all but nothing of the probability on one token. */
export function certain(vocabSize: number, token: number): number[] {
  return Array.from({ length: vocabSize }, (_, i) => i === token ? 50 : 0);
}
