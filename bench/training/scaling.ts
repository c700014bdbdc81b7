import { printNotice, printResult } from "../../cli/output.ts";
import { type Arithmetic, arithmeticOf } from "./arithmetic.ts";
import { equalPairs } from "./bench_pairs.ts";
import { contender, measureInRounds } from "./measure.ts";
import { othersDuring } from "./others_load.ts";
import type { Surroundings } from "./run_system.ts";
import { scalingFigure } from "./scaling_figure.ts";
import { parameterCount } from "../../train/models/parameters.ts";
import { configOf, type Shape, SMOLLM2_135M } from "./shapes.ts";
import type { System } from "./systems.ts";
import {
  productsDominate,
  type ScalingPoint,
  scalingSummary,
  scalingTable,
} from "./scaling_points.ts";
import { describeRun, disturbance, spreadOf } from "./table.ts";
import { makeWorkload, type Workload } from "./workload.ts";

/** Prompt and reply have the same length. */
const REPLY_SHARE = 0.5;

/** SmolLM2's proportions from 11M to 135M parameters; a head has 64 features, of three one is K. */
const SIZES: readonly Shape[] = [[192, 4], [384, 8], [384, 20], [576, 8], [576, 16], [576, 23], [
  576,
  30,
]].map(
  ([D, L]) => ({ ...SMOLLM2_135M, D, L, H: D / 64, K: D / 192, F: D * 8 / 3 }),
);
/** Tokens of a sequence while the model grows, and sequences of a step. */
const SIZE_STEP = { length: 256, sequences: 16 };

/** Tokens of a sequence while the sequences grow; a step always holds as many tokens. */
const LENGTHS = [64, 128, 256, 512, 1024, 2048] as const;
const LENGTH_SHAPE = SIZES[3];
const LENGTH_TOKENS = 4096;

/** How a scaling measurement is taken. */
export interface ScalingPlan {
  readonly systems: readonly System[];
  readonly surroundings: Surroundings;
  readonly rounds: number;
  readonly sizes: Pick<Workload["sizes"], "warmupSteps" | "steps" | "threads">;
  /** Folder for the two figures. */
  readonly out: string;
}

/** What is measured at one point. */
interface Case {
  readonly label: string;
  readonly shape: Shape;
  readonly length: number;
  readonly sequences: number;
}

/** The points of the measurement against length. */
export const LENGTH_CASES: readonly Case[] = LENGTHS.map((length) => ({
  label: String(length),
  shape: LENGTH_SHAPE,
  length,
  sequences: LENGTH_TOKENS / length,
}));

/** What a token costs at a point by the textbook, and whether products with weights decide it. */
export function arithmeticAt(
  { shape, length }: Case,
): Pick<ScalingPoint, "arithmetic" | "dominated"> {
  const arithmetic = arithmeticOf(configOf(shape), { length, replyShare: REPLY_SHARE });
  return { arithmetic, dominated: productsDominate(arithmetic, shape.D) };
}

/** Measures the cost of a token against model size and against length; prints tables, draws figures. */
export async function benchScaling(plan: ScalingPlan): Promise<void> {
  const bySize = SIZES.map((shape): Case => ({
    ...SIZE_STEP,
    label: `${(parameterCount(configOf(shape)) / 1e6).toFixed(0)}M`,
    shape,
  }));
  await Deno.mkdir(plan.out, { recursive: true });
  await report("size", await measureCases(bySize, plan, ({ weights }) => weights), plan);
  await report("length", await measureCases(LENGTH_CASES, plan, (_, { length }) => length), plan);
}

async function measureCases(
  cases: readonly Case[],
  plan: ScalingPlan,
  xOf: (arithmetic: Arithmetic, each: Case) => number,
): Promise<ScalingPoint[]> {
  const entries = await Promise.all(cases.map(async (each) => {
    const config = configOf(each.shape);
    const sizes = { ...plan.sizes, batchPairs: each.sequences / 2 };
    const count = (sizes.warmupSteps + sizes.steps) * sizes.batchPairs;
    const pairs = equalPairs(each.length, { count, config });
    const workload = await makeWorkload({ title: each.label, config, sizes }, pairs);
    return { each, workload };
  }));
  const points = entries.flatMap((entry) => plan.systems.map((system) => ({ ...entry, system })));
  const measured = await measureInRounds(
    points.map(({ system, workload, each }) => {
      const { run } = contender(system, workload, plan.surroundings);
      return { system: { ...system, name: `${system.name} ${each.label}` }, run };
    }),
    plan.rounds,
    { onRun: (...run) => printNotice(describeRun(...run)), othersDuring },
  );
  const warning = disturbance(measured);
  if (warning !== null) printNotice(warning);
  return points.map(({ each, system }, i) => {
    const { arithmetic, dominated } = arithmeticAt(each);
    return {
      system: system.name,
      label: each.label,
      x: xOf(arithmetic, each),
      cost: spreadOf(measured[i].rounds.map(({ tokensPerSecond }) => 1000 / tokensPerSecond)),
      arithmetic,
      dominated,
    };
  });
}

async function report(
  kind: "size" | "length",
  points: readonly ScalingPoint[],
  { systems, out }: ScalingPlan,
): Promise<void> {
  const title = kind === "size"
    ? `Cost of a token against model size (${SIZE_STEP.sequences} sequences of ${SIZE_STEP.length})`
    : `Cost of a token against length (${LENGTH_TOKENS} tokens a step, ${
      (parameterCount(configOf(LENGTH_SHAPE)) / 1e6).toFixed(0)
    }M parameters)`;
  printResult(`\n${title}\n\n${scalingTable(points)}\n`);
  for (const { name } of systems) {
    printResult(scalingSummary(kind, points.filter(({ system }) => system === name)));
  }
  const path = `${out}/scaling-${kind}.svg`;
  await Deno.writeTextFile(path, await scalingFigure(kind, { title, points }));
  printResult(`Figure: ${path}`);
}
