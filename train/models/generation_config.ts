import type { Json } from "../../core/json.ts";
import { InputError } from "../../core/problem.ts";
import type { ModelConfig } from "./config.ts";
import { FieldReader } from "./config_reader.ts";

/** The fields that say the same as `config.json`'s: which tokens begin, end and pad. */
const TOKENS = ["bos_token_id", "eos_token_id", "pad_token_id"];

/**
 * A model's config with what its `generation_config.json` says: more tokens that end a reply, the
 * tokens that `config.json` leaves out, and all other fields as they are.
 *
 * @param path names the file in messages
 * @throws InputError with every token that is none
 */
export function withGenerationConfig(config: ModelConfig, raw: Json, path: string): ModelConfig {
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) {
    throw new InputError([{ path, message: "Expected a JSON object." }]);
  }
  const reader = new FieldReader(raw, path);
  const ends = [...reader.tokenIds("eos_token_id"), ...config.eosTokenIds];
  const [bos, pad] = ["bos_token_id", "pad_token_id"].map((key) => reader.tokenIds(key)[0] ?? null);
  if (reader.problems.length > 0) throw new InputError(reader.problems);
  return {
    ...config,
    bosTokenId: config.bosTokenId ?? bos,
    eosTokenIds: [...new Set(ends)],
    padTokenId: config.padTokenId ?? pad,
    generation: Object.fromEntries(Object.entries(raw).filter(([key]) => !TOKENS.includes(key))),
  };
}
