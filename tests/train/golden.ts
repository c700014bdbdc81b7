import type { TokenizedPair } from "../../data/pair.ts";
import { loadModel, type Model } from "../../train/models/model.ts";

const GOLDEN = new URL("../fixtures/golden/", import.meta.url).pathname;

/** The parsed content of a golden file, such as `llama/logps.json`. */
export function golden<T>(path: string): T {
  return JSON.parse(Deno.readTextFileSync(GOLDEN + path)) as T;
}

/** The random llama model that the goldens were computed with. */
export function goldenModel(): Promise<Model> {
  return loadModel(`${GOLDEN}llama/model`);
}

/** The twelve preference pairs of the goldens. */
export function goldenPairs(): TokenizedPair[] {
  const { rows } = golden<{ rows: Record<"prompt" | "chosen" | "rejected", number[]>[] }>(
    "tokens.json",
  );
  return rows.map(({ prompt, chosen, rejected }, i) => ({
    id: `golden:${i}`,
    prompt: Int32Array.from(prompt),
    chosen: Int32Array.from(chosen),
    rejected: Int32Array.from(rejected),
  }));
}

/** |found − expected| / |expected|. */
export function relativeError(found: number, expected: number): number {
  return found === expected ? 0 : Math.abs(found - expected) / Math.abs(expected);
}
