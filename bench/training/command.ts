/**
 * Trains the same pairs with Ballast, PyTorch and TRL in turn. bench/README.md says what is measured.
 *
 *     deno task bench training --help
 */
import { join } from "node:path";
import { userPath } from "../../cli/project.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { equalPairs, realPairs } from "./bench_pairs.ts";
import { checkAgreement } from "./check.ts";
import { contender, measureInRounds } from "./measure.ts";
import { type BenchOptions, parseOptions, requireFiles } from "./options.ts";
import { othersDuring } from "./others_load.ts";
import { PrototypeCopy } from "./prototype.ts";
import type { Surroundings } from "./run_system.ts";
import { benchScaling } from "./scaling.ts";
import { parameterCount } from "../../train/models/parameters.ts";
import { configOf, PROTOTYPE, SMALL, SMOLLM2_135M } from "./shapes.ts";
import { defaultSystems, parseSystems, type System } from "./systems.ts";
import { describeRun, disturbance, figuresTable, ratiosTable } from "./table.ts";
import { makeWorkload, type Workload } from "./workload.ts";

/** Runs the command; returns its exit code. */
export async function benchTraining(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  const { lora, scaling, equal, rounds } = options;
  const systems = systemsOf(options);
  const usesPairs = equal === undefined && !scaling;
  const usesPeers = systems.some(({ program }) => program !== "ballast");
  requireFiles({
    ...(usesPairs ? { data: options.data } : {}),
    tokenizer: options.tokenizer,
    ...(usesPeers ? { python: options.python } : {}),
  });
  const surroundings: Surroundings = {
    python: options.python,
    tokenizer: options.tokenizer,
    lora: lora === undefined ? null : { rank: lora, alpha: 2 * lora },
  };
  if (options.check) return await check(options, systems, surroundings);
  if (scaling) {
    const { warmupSteps, steps, threads, out } = options;
    const sizes = { warmupSteps, steps, threads };
    await benchScaling({ systems, surroundings, rounds, sizes, out });
    return 0;
  }
  await compare(options, systems, surroundings);
  return 0;
}

/** The systems that are asked for; `--scaling` alone means Ballast alone. */
function systemsOf({ systems, scaling }: BenchOptions): System[] {
  if (systems !== undefined) return parseSystems(systems);
  return scaling ? parseSystems("ballast@one") : defaultSystems();
}

/** Measures in rounds and prints figures and ratios. */
async function compare(
  options: BenchOptions,
  systems: readonly System[],
  surroundings: Surroundings,
): Promise<void> {
  const { equal, prototype, rounds, warmupSteps, steps } = options;
  const copy = prototype === undefined ? null : await PrototypeCopy.make(userPath(prototype));
  try {
    const workload = await workloadOf(options);
    printResult(workload.title);
    const contenders = [
      ...systems.map((system) => contender(system, workload, surroundings)),
      ...(copy?.contenders(equal!, warmupSteps + steps) ?? []),
    ];
    const measured = await measureInRounds(
      contenders,
      rounds,
      { onRun: (...run) => printNotice(describeRun(...run)), othersDuring },
    );
    printResult(`\n${figuresTable(measured)}`);
    const ratios = ratiosTable(measured);
    if (ratios !== null) printResult(`\n${ratios}`);
    const warning = disturbance(measured);
    if (warning !== null) printResult(`\n${warning}`);
  } finally {
    await copy?.remove();
  }
}

/** Three steps of each family, without warm-up. */
async function check(
  options: BenchOptions,
  systems: readonly System[],
  surroundings: Surroundings,
): Promise<number> {
  const families = new Map(systems.map((system) => [system.name.split("@")[0], system]));
  const workload = await workloadOf({ ...options, warmupSteps: 0, steps: 3 });
  const { table, agree } = await checkAgreement([...families.values()], workload, {
    surroundings,
    onRun: (name) => printNotice(`${name} …`),
  });
  printResult(`${workload.title}\n\n${table}`);
  printNotice(agree ? "The losses agree." : "The losses do not agree.");
  return agree ? 0 : 1;
}

/** The model and the pairs that the options ask for. */
async function workloadOf(options: BenchOptions): Promise<Workload> {
  const { equal, warmupSteps, steps, threads, lora } = options;
  const shape = equal === undefined
    ? (options.model === "small" ? SMALL : SMOLLM2_135M)
    : PROTOTYPE[equal].shape;
  const config = configOf(shape);
  const batchPairs = equal === undefined ? options.batchPairs : PROTOTYPE[equal].sequences / 2;
  const asked = { count: (warmupSteps + steps) * batchPairs, config };
  const pairs = equal === undefined
    ? await realPairs(
      { path: join(options.data, "train_prefs.jsonl"), tokenizer: options.tokenizer },
      asked,
    )
    : equalPairs(PROTOTYPE[equal].length, asked);
  const what = equal === undefined
    ? "UltraFeedback pairs"
    : `sequences of ${PROTOTYPE[equal].length} random tokens`;
  const title = `RPO, ${lora === undefined ? "full fine-tuning" : `LoRA of rank ${lora}`}, ` +
    `${(parameterCount(config) / 1e6).toFixed(2)}M parameters, float32, ${threads} threads; ` +
    `${what}, ${batchPairs} a step, ${steps} steps after ${warmupSteps}`;
  const sizes = { batchPairs, warmupSteps, steps, threads };
  return await makeWorkload({ title, config, sizes }, pairs);
}
