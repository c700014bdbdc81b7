import { Random } from "../../core/random.ts";
import { InputError } from "../../core/problem.ts";
import { readTokenizedFile } from "../../data/tokenize_file.ts";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import type { ModelConfig } from "../../train/models/config.ts";

/** A pair as all systems read it: token ids, and constants for the reference's log-probs. */
export interface BenchPair {
  readonly prompt: readonly number[];
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  /** Summed log-probs (nats) of the chosen and of the rejected reply. */
  readonly reference: readonly [number, number];
}

type Tokens = Omit<BenchPair, "reference">;

/** The lengths of the paper's recipe, halved: what two cores can train on. */
const LENGTHS = { maxLength: 512, maxPromptLength: 256 };

/**
 * The first pairs of a file of text, tokenized as Ballast tokenizes them; pairs with an empty reply,
 * which TRL cannot train on, are passed over.
 *
 * @throws InputError when the file holds fewer pairs
 */
export async function realPairs(
  source: { path: string; tokenizer: string },
  { count, config }: { count: number; config: ModelConfig },
): Promise<BenchPair[]> {
  const tokenizer = await loadTokenizer(source.tokenizer);
  const rows = await readTokenizedFile({ ...source, ...LENGTHS, tokenizer });
  const usable = rows.filter(({ chosen, rejected }) => chosen.length > 0 && rejected?.length);
  if (usable.length < count) {
    const message = `Expected at least ${count} pairs but found ${usable.length}.`;
    throw new InputError([{ path: source.path, message }]);
  }
  return usable.slice(0, count).map(({ prompt, chosen, rejected }) =>
    withReference({ prompt: [...prompt], chosen: [...chosen], rejected: [...rejected!] }, config)
  );
}

/** Pairs of random tokens, all sequences of one length: half prompt, half reply. */
export function equalPairs(
  length: number,
  { count, config }: { count: number; config: ModelConfig },
): BenchPair[] {
  const random = Random.seeded(0, "bench", "equal");
  const ids = (size: number) =>
    Array.from({ length: size }, () => random.integer(config.vocabSize));
  const half = length >> 1;
  return Array.from({ length: count }, () => {
    const tokens = { prompt: ids(length - half), chosen: ids(half), rejected: ids(half) };
    return withReference(tokens, config);
  });
}

/**
 * The pairs with what a randomly initialised model of this shape is expected to say of them. Its
 * normed hidden state has length √D, so a logit has variance s = D · range², and a token's expected
 * log-prob is −(ln V + s / 2).
 */
function withReference(pair: Tokens, config: ModelConfig): BenchPair {
  const variance = config.hiddenSize * config.initializerRange ** 2;
  const perToken = -(Math.log(config.vocabSize) + variance / 2);
  return { ...pair, reference: [perToken * pair.chosen.length, perToken * pair.rejected.length] };
}

/** Prompt and reply tokens of both sequences of each pair: the prompt counts twice. */
export function countTokens(pairs: readonly BenchPair[]): number {
  return pairs.reduce(
    (sum, { prompt, chosen, rejected }) =>
      sum + 2 * prompt.length + chosen.length + rejected.length,
    0,
  );
}

/**
 * The pairs with those after the warm-up in order of their longer sequence, so that a batch holds
 * pairs of similar length and little is padded. The set that is measured stays the same.
 */
export function sortedByLength(pairs: readonly BenchPair[], warmup: number): BenchPair[] {
  const length = ({ prompt, chosen, rejected }: BenchPair) =>
    prompt.length + Math.max(chosen.length, rejected.length);
  const measured = pairs.slice(warmup).toSorted((a, b) => length(a) - length(b));
  return [...pairs.slice(0, warmup), ...measured];
}

/** Writes pairs as JSON lines. */
export async function writeBenchPairs(path: string, pairs: readonly BenchPair[]): Promise<void> {
  await Deno.writeTextFile(path, pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(""));
}

/** Reads what `writeBenchPairs` wrote. */
export async function readBenchPairs(path: string): Promise<BenchPair[]> {
  const text = await Deno.readTextFile(path);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
