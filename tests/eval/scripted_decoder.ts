import type { TokenDecoder } from "../../train/models/token_decoder.ts";

/**
 * A decoder whose logits are a function of the tokens read so far: a controllable stand-in for a
 * model, which also counts what was asked of it.
 */
export class ScriptedDecoder implements TokenDecoder {
  /** Rows of each prefill and step, in order. */
  readonly rowsSeen: number[] = [];
  readonly cacheFloats: number = 1;
  released = false;
  #sequences: number[][] = [];

  constructor(
    readonly vocabSize: number,
    readonly logitsAfter: (tokens: readonly number[]) => readonly number[],
  ) {}

  prefill(prompts: readonly Int32Array[]): Promise<Float32Array> {
    if (new Set(prompts.map((prompt) => prompt.length)).size !== 1) {
      throw new RangeError("Expected prompts of one length.");
    }
    this.#sequences = prompts.map((prompt) => [...prompt]);
    return this.#logits();
  }

  step(tokens: Int32Array): Promise<Float32Array> {
    if (tokens.length !== this.#sequences.length) throw new RangeError("Expected one token a row.");
    tokens.forEach((token, i) => this.#sequences[i].push(token));
    return this.#logits();
  }

  keep(rows: readonly number[]): void {
    this.#sequences = rows.map((row) => this.#sequences[row]);
  }

  release(): Promise<void> {
    this.released = true;
    return Promise.resolve();
  }

  #logits(): Promise<Float32Array> {
    this.rowsSeen.push(this.#sequences.length);
    return Promise.resolve(
      Float32Array.from(this.#sequences.flatMap((tokens) => [...this.logitsAfter(tokens)])),
    );
  }
}

/** Logits that put all but nothing of the probability on one token. */
export function certain(vocabSize: number, token: number): number[] {
  return Array.from({ length: vocabSize }, (_, i) => i === token ? 50 : 0);
}
