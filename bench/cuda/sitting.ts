/**
 * One sitting on a machine with a GPU: sets up, tests, measures, profiles, and writes what was found.
 * Every part has a time limit of its own, and a part that fails leaves the others alone.
 *
 *     deno run … bench/cuda/sitting.ts --out FOLDER [--provider FOLDER] [--plan first|second|final|attention]
 *       [--device cuda:0|cpu] [--python python3] [--seconds 300]
 *
 * `--device cpu` rehearses the same parts at sizes that a processor computes in seconds.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printNotice } from "../../cli/output.ts";
import { PROJECT_FOLDER } from "../../cli/project.ts";
import { planOf, type SittingPart } from "./plans.ts";
import { runPart } from "./run_part.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    provider: { type: "string" },
    plan: { type: "string", default: "first" },
    device: { type: "string", default: "cuda:0" },
    python: { type: "string", default: "python3" },
    seconds: { type: "string", default: "300" },
  },
});
const out = values.out ?? "sitting";
await Deno.mkdir(out, { recursive: true });
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;
const parts: SittingPart[] = planOf(values.plan, {
  device: values.device === "cpu" ? "cpu" : "cuda:0",
  provider: values.provider,
  python: values.python,
  out: Deno.realPathSync(out),
});
const results: Record<string, unknown> = {};
for (const part of parts) {
  const left = Number(values.seconds) - elapsed();
  if (left < part.least) {
    results[part.name] = { skipped: `${left.toFixed(0)} s were left` };
    printNotice(`${part.name}: skipped, ${left.toFixed(0)} s left`);
    continue;
  }
  const limit = Math.min(part.seconds, left);
  const result = await runPart(part, { limit, folder: PROJECT_FOLDER, log: join(out, "log.txt") });
  results[part.name] = result;
  printNotice(`${part.name}: ${result.summary} (${result.seconds.toFixed(1)} s)`);
  // Written after each part, for whatever cuts the sitting off.
  await Deno.writeTextFile(join(out, "results.json"), `${JSON.stringify(results, null, 1)}\n`);
}
