import { join } from "node:path";
import { printNotice, printResult } from "../../cli/output.ts";
import { alignColumns } from "../../core/align_columns.ts";
import type { TokenizeJob } from "./job.ts";
import { runWorker } from "./run_worker.ts";
import { writeSyntheticPairs } from "./synthetic_pairs.ts";

const SIZES = [7_500, 15_000, 30_000, 60_000];

/** Peak memory that no number of rows may exceed. */
const MOST_BYTES = 600e6;

/** How much longer a row may take among the most rows than among the fewest. */
const MOST_GROWTH = 1.25;

/** What tokenizing so many rows took. */
export interface GrowthPoint {
  readonly rows: number;
  readonly tokenizeSeconds: number;
  readonly peakBytes: number;
}

/**
 * Says, a sentence each, where memory exceeds 600 MB, and whether a row takes over 25% longer at the last
 * point than at the first.
 */
export function growthFaults(points: readonly GrowthPoint[]): string[] {
  const faults = points.filter(({ peakBytes }) => peakBytes > MOST_BYTES).map((
    { rows, peakBytes },
  ) =>
    `Expected at most ${MOST_BYTES / 1e6} MB for ${rows} rows but found ${megabytes(peakBytes)} MB.`
  );
  const [first, last] = [points[0], points[points.length - 1]];
  const growth = perRow(last) / perRow(first);
  if (growth > MOST_GROWTH) {
    faults.push(
      `Expected a row among ${last.rows} to take at most ${
        percent(MOST_GROWTH)
      }% longer than among ${first.rows} but found ${percent(growth)}% ` +
        `(${microseconds(last)} against ${microseconds(first)} µs).`,
    );
  }
  return faults;
}

const perRow = ({ tokenizeSeconds, rows }: GrowthPoint) => tokenizeSeconds / rows;
const microseconds = (point: GrowthPoint) => (perRow(point) * 1e6).toFixed(0);
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
const percent = (ratio: number) => ((ratio - 1) * 100).toFixed(0);

/**
 * Prints seconds and peak memory of Ballast against the number of rows.
 *
 * @returns what is wrong with them, see `growthFaults`
 */
export async function benchGrowth(job: Omit<TokenizeJob, "pairs">): Promise<string[]> {
  const points: GrowthPoint[] = [];
  const table = [["rows", "seconds", "µs a row", "read s", "Mtokens", "peak MB"]];
  for (const rows of SIZES) {
    printNotice(`${rows} rows …`);
    const [pairs, work] = ["pairs", "work"].map((name) => join(job.work, `${name}-${rows}`));
    await Deno.mkdir(pairs);
    await Deno.mkdir(work);
    await writeSyntheticPairs(pairs, { rows, seed: 0 });
    const result = await runWorker({ name: "ballast" }, { ...job, pairs, work, reads: 1 });
    const { tokenizeSeconds, readSeconds, tokens, peakBytes } = result;
    const point = { rows, tokenizeSeconds, peakBytes };
    points.push(point);
    table.push([
      String(rows),
      tokenizeSeconds.toFixed(1),
      microseconds(point),
      readSeconds.rows[0].toFixed(2),
      (tokens / 1e6).toFixed(1),
      megabytes(peakBytes),
    ]);
    await Deno.remove(pairs, { recursive: true });
    await Deno.remove(work, { recursive: true });
  }
  printResult(alignColumns(table));
  return growthFaults(points);
}
