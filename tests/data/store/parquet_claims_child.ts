/** Reads the Parquet files that it is given; prints what was said of each, then the peak of its memory. */
import { readParquetRows } from "../../../data/store/read_parquet.ts";

const said: (string | null)[] = [];
for (const path of Deno.args) {
  try {
    for await (const _ of readParquetRows(path));
    said.push(null);
  } catch (error) {
    said.push(`${error instanceof Error ? error.message : error}`);
  }
}
const status = await Deno.readTextFile("/proc/self/status");
const peakBytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ said, peakBytes })));
