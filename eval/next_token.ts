import { requirePositiveIntegers } from "../core/positive_integers.ts";
import { ExpectedError } from "../core/problem.ts";
import type { Random } from "../core/random.ts";

/** How the next token is drawn. */
export interface Sampling {
  /** Logits are divided by it; above 0. */
  readonly temperature: number;
  /** Draw from the fewest tokens that hold this much probability (nucleus sampling); 1 keeps all. */
  readonly topP: number;
  /** Draw from so many of the most likely tokens, before `topP`; all unless given. */
  readonly topK?: number;
}

/** One row of a batch of logits. */
export interface LogitRow {
  /** (B, V), row-major. */
  readonly logits: Float32Array;
  readonly row: number;
  /** V. */
  readonly vocabSize: number;
}

/**
 * The most likely token; the lowest id among equals.
 *
 * @throws ExpectedError when a logit is not a number
 */
export function greedyToken({ logits, row, vocabSize }: LogitRow): number {
  const start = row * vocabSize;
  let best = 0;
  let highest = -Infinity;
  for (let token = 0; token < vocabSize; token++) {
    const logit = logits[start + token];
    if (logit > highest) [best, highest] = [token, logit];
    else if (logit !== logit) throw notFinite(logit, token);
  }
  if (!Number.isFinite(highest)) throw notFinite(highest, best);
  return best;
}

/**
 * Draws tokens from softmax(logits / temperature), in float64 and with the highest logit taken off
 * first, so that nothing overflows. One sampler serves one vocabulary; it keeps its work space.
 */
export class TokenSampler {
  #weights: Float64Array;

  /** @throws RangeError for a temperature or top-p out of range */
  constructor(readonly vocabSize: number, readonly sampling: Sampling) {
    const { temperature, topP, topK = 1 } = sampling;
    if (!(temperature > 0 && temperature < Infinity)) {
      throw new RangeError(`Expected temperature to be greater than 0 but found ${temperature}.`);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new RangeError(`Expected topP to be greater than 0 and at most 1 but found ${topP}.`);
    }
    requirePositiveIntegers({ topK });
    this.#weights = new Float64Array(vocabSize);
  }

  /**
   * One token; takes exactly one uniform number from the stream.
   *
   * @throws ExpectedError when a logit is not a number, or all are minus infinity
   */
  draw(row: LogitRow, random: Random): number {
    const total = this.#exponentiate(row);
    const { topP, topK } = this.sampling;
    if (topK !== undefined) {
      const likely = this.#mostLikely(0).subarray(0, topK);
      const kept = likely.reduce((sum, token) => sum + this.#weights[token], 0);
      return this.#drawNucleus(random.uniform(), topP * kept, likely);
    }
    if (topP === 1) return this.#drawAny(random.uniform() * total);
    // Tokens below it hold together less than what the nucleus leaves out: no need to sort them.
    const least = (1 - topP) * total / this.vocabSize;
    return this.#drawNucleus(random.uniform(), topP * total, this.#mostLikely(least));
  }

  #exponentiate(row: LogitRow): number {
    const { logits, vocabSize } = row;
    const start = row.row * vocabSize;
    const highest = logits[start + greedyToken(row)];
    const weights = this.#weights;
    const scale = 1 / this.sampling.temperature;
    let total = 0;
    for (let token = 0; token < vocabSize; token++) {
      total += weights[token] = Math.exp((logits[start + token] - highest) * scale);
    }
    return total;
  }

  #drawAny(threshold: number): number {
    const weights = this.#weights;
    let rest = threshold;
    let last = 0;
    for (let token = 0; token < weights.length; token++) {
      if (weights[token] === 0) continue;
      rest -= weights[token];
      if (rest < 0) return token;
      last = token;
    }
    return last;
  }

  /** Tokens of at least this weight, the heaviest first, the lowest id first among equals. */
  #mostLikely(least: number): Uint32Array {
    const weights = this.#weights;
    const tokens: number[] = [];
    for (let token = 0; token < weights.length; token++) {
      if (weights[token] >= least) tokens.push(token);
    }
    return Uint32Array.from(tokens).sort((a, b) => weights[b] - weights[a] || a - b);
  }

  /** Draws from the first tokens of `order` that hold `mass` together, or from all of it. */
  #drawNucleus(uniform: number, mass: number, order: Uint32Array): number {
    const weights = this.#weights;
    let nucleus = 0;
    let size = 0;
    while (size < order.length && nucleus < mass) nucleus += weights[order[size++]];
    let rest = uniform * nucleus;
    for (let i = 0; i < size - 1; i++) {
      rest -= weights[order[i]];
      if (rest < 0) return order[i];
    }
    return order[size - 1];
  }
}

function notFinite(logit: number, token: number): ExpectedError {
  return new ExpectedError(
    `The model gives the logit ${logit} to token ${token}; its weights have diverged.`,
  );
}
