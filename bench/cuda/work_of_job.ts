import { trainingOperations } from "../../train/costs/arithmetic.ts";
import type { AdapterConfig } from "../../train/models/adapter_config.ts";
import type { ModelConfig } from "../../train/models/config.ts";
import type { CudaJob } from "./cuda_job.ts";

/**
 * Floating-point operations of a job's step that its model needs, recomputation left out: with each
 * prompt computed once, as Ballast does, and once for each of its two replies. The last token of a
 * reply is only predicted.
 */
export function operationsOf(
  job: CudaJob,
  config: ModelConfig,
  adapter: AdapterConfig | undefined,
): { readonly shared: number; readonly repeated: number } {
  const { batchPairs: pairs, promptTokens: prompt, replyTokens: reply } = job;
  const [replies, read] = [2 * pairs, reply - 1];
  const count = (tokens: number, cells: number) => {
    const reading = { tokens, replyTokens: replies * reply, cells };
    const { layers, head, attention } = trainingOperations(config, reading, {
      adapter,
      recomputes: false,
    });
    return layers + head + attention;
  };
  return {
    shared: count(
      pairs * prompt + replies * read,
      pairs * prompt ** 2 + replies * read * (prompt + read),
    ),
    repeated: count(replies * (prompt + read), replies * (prompt + read) ** 2),
  };
}
