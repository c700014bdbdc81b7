/** One of several processes: sends numbers around, checks what arrives, and says so. */
import assert from "node:assert/strict";
import { inRanks } from "../../train/parallel/in_ranks.ts";
import { partsOf } from "../../train/parallel/buckets.ts";
import { firstRanks, meet, type Ranks, sumOf } from "../../train/parallel/ranks.ts";

const [processes, ending = "well"] = Deno.args;

/** Many transfers of unlike sizes are under way at once. */
async function sendAround(ranks: Ranks): Promise<void> {
  const sizes = [0, 1, 5, 1000, 100_003, 1_000_000];
  const exchanged = sizes.map((size) => {
    const parts = partsOf(size, ranks.size);
    const own = parts.counts[ranks.rank];
    const from = Float32Array.from({ length: size }, (_, i) => i + ranks.rank / 8);
    const to = new Float32Array(own * ranks.size);
    const toParts = {
      counts: new Int32Array(ranks.size).fill(own),
      starts: Int32Array.from({ length: ranks.size }, (_, rank) => rank * own),
    };
    const transfer = ranks.exchange(from, parts, to, toParts);
    return { transfer, to, own, start: parts.starts[ranks.rank] };
  });
  for (const { transfer, to, own, start } of exchanged) {
    await transfer.finish();
    to.forEach((x, i) => assert.equal(x, start + i % own + Math.floor(i / own) / 8));
  }
  for (const size of sizes) {
    const parts = partsOf(size, ranks.size);
    const data = new Float32Array(size);
    const [start, count] = [parts.starts[ranks.rank], parts.counts[ranks.rank]];
    for (let i = start; i < start + count; i++) data[i] = i;
    await ranks.spread(data, parts).finish();
    data.forEach((x, i) => assert.equal(x, i));
  }
  assert.deepEqual(await sumOf(ranks, [1, ranks.rank]), Float64Array.of(ranks.size, total(ranks)));
  const rows = [{ step: 3, text: "größer" }];
  assert.deepEqual(await firstRanks(ranks, ranks.rank === 0 ? rows : []), rows);
}

function total({ size }: Ranks): number {
  return size * (size - 1) / 2;
}

const first = await inRanks(Number(processes), async (ranks) => {
  await sendAround(ranks!);
  if (ending === "killed" && ranks!.rank === 1) Deno.kill(Deno.pid, "SIGKILL");
  if (ending === "killed") await meet(ranks!);
  await Deno.stdout.write(new TextEncoder().encode(`rank ${ranks!.rank} is well\n`));
  return ranks!.rank;
});
assert(first === null || first === 0);
