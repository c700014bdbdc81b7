import { type Decoding, isByCategory } from "./reply_tokens.ts";
import { mean } from "./stats/moments.ts";
import { clusteredError, type ItemSample } from "./stats/sample.ts";

/**
 * log π(y|x) − log π_ref(y|x) (nats) of replies y (N). Over replies that π itself drew, at temperature 1
 * from all tokens, their mean estimates KL(π ‖ π_ref) without bias.
 *
 * @param policy log π(y|x), summed over the reply's tokens, its end token included
 * @param reference log π_ref(y|x) of the same replies
 */
export function logRatios(policy: ArrayLike<number>, reference: ArrayLike<number>): number[] {
  return Array.from(policy, (logp, i) => logp - reference[i]);
}

/** Why replies that were chosen so tell no KL, as part of a sentence; null when they do. */
export function whyNoKl(decoding: Decoding): string | null {
  if (decoding === "greedy") return "these are greedy";
  if (isByCategory(decoding)) return "these were chosen by category";
  const { temperature, topP, topK } = decoding;
  if (temperature === 1 && topP === 1 && topK === undefined) return null;
  const told = { temperature, topP, ...(topK !== undefined && { topK }) };
  const settings = Object.entries(told).map(([name, value]) => `${name} ${value}`);
  return `these were drawn with ${settings.join(", ")}`;
}

/** `KL to the reference 1.234 nats, standard error 0.056 over 32 prompts`. */
export function describeKl(sample: ItemSample): string {
  const prompts = new Set(sample.items).size;
  const error = prompts < 2 ? "" : `, standard error ${clusteredError(sample).toFixed(3)}`;
  const over = `over ${prompts} ${prompts === 1 ? "prompt" : "prompts"}`;
  return `KL to the reference ${mean(sample.values).toFixed(3)} nats${error} ${over}`;
}
