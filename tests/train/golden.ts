import type { TokenizedPair } from "../../data/pair.ts";
import type { Family } from "../../train/models/families.ts";
import { loadModel, type Model } from "../../train/models/model.ts";

/** Another folder that make_goldens.py wrote, such as one of other sizes, can be compared with. */
const GOLDEN = Deno.env.has("BALLAST_GOLDENS")
  ? `${Deno.env.get("BALLAST_GOLDENS")}/`
  : new URL("../fixtures/golden/", import.meta.url).pathname;

/** The parsed content of a golden file, such as `llama/logps.json`. */
export function golden<T>(path: string): T {
  return JSON.parse(Deno.readTextFileSync(GOLDEN + path)) as T;
}

/** The path of a golden folder, such as `llama/lora_initial`. */
export function goldenFolder(path: string): string {
  return GOLDEN + path;
}

/** The random model of a family that the goldens were computed with. */
export function goldenModel(family: Family = "llama"): Promise<Model> {
  return loadModel(`${GOLDEN}${family}/model`);
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
export function relativeError(found: number | null, expected: number | null): number {
  if (found === null || expected === null) return Infinity;
  return found === expected ? 0 : Math.abs(found - expected) / Math.abs(expected);
}
