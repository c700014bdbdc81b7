import { InputError } from "../../core/problem.ts";
import type readBenchmark from "../read_benchmark.ts";
import type { PredictOf } from "./params_of.ts";

/** A benchmark's prompts, counted in its files; what is wrong with them, running will say. */
export const predictBenchmark: PredictOf<typeof readBenchmark> = async ({ params }) => {
  const { benchmarkIn, measureBenchmark } = await import("../../eval/benchmark.ts");
  const { path, ...files } = params;
  try {
    return { outputs: { benchmark: await measureBenchmark(benchmarkIn(files, path)) } };
  } catch (error) {
    if (error instanceof InputError) return {};
    throw error;
  }
};
