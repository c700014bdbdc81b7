import { join } from "node:path";
import { printNotice, printResult } from "../../cli/output.ts";
import { alignColumns } from "../../core/align_columns.ts";
import type { TokenizeJob } from "./job.ts";
import { runWorker } from "./run_worker.ts";
import { writeSyntheticPairs } from "./synthetic_pairs.ts";

const SIZES = [7_500, 15_000, 30_000, 60_000];

/** Prints seconds and peak memory of Ballast against the number of rows. */
export async function benchGrowth(job: Omit<TokenizeJob, "pairs">): Promise<void> {
  const table = [["rows", "seconds", "µs a row", "read s", "Mtokens", "peak MB"]];
  for (const rows of SIZES) {
    printNotice(`${rows} rows …`);
    const [pairs, work] = ["pairs", "work"].map((name) => join(job.work, `${name}-${rows}`));
    await Deno.mkdir(pairs);
    await Deno.mkdir(work);
    await writeSyntheticPairs(pairs, { rows, seed: 0 });
    const result = await runWorker({ name: "ballast" }, { ...job, pairs, work, reads: 1 });
    const { tokenizeSeconds, readSeconds, tokens, peakBytes } = result;
    table.push([
      String(rows),
      tokenizeSeconds.toFixed(1),
      (tokenizeSeconds / rows * 1e6).toFixed(0),
      readSeconds.rows[0].toFixed(2),
      (tokens / 1e6).toFixed(1),
      (peakBytes / 1e6).toFixed(0),
    ]);
    await Deno.remove(pairs, { recursive: true });
    await Deno.remove(work, { recursive: true });
  }
  printResult(alignColumns(table));
}
