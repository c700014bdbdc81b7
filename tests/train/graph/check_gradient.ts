import { Random } from "../../../core/random.ts";
import { elementCount, type Tensor } from "../../../core/tensor.ts";
import { backward } from "../../../train/graph/gradients.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { VjpTable } from "../../../train/graph/vjp/vjp_rule.ts";
import type { Value } from "../../../train/graph/value.ts";
import type { Runtime, Session } from "../../../train/runtime/open_runtime.ts";
import type { Sample } from "./samples.ts";

type Floating = "float32" | "float64";
type Feeds = Record<string, Tensor>;

/** A sample as a session: feeds x0, x1, … and u; outputs y and the cotangents dx0, dx1, … */
export async function openSample(
  runtime: Runtime,
  sample: Sample,
  { dtype, rules }: { readonly dtype: Floating; readonly rules?: VjpTable },
): Promise<Session> {
  const graph = new Graph({ dtype });
  const values = sample.operands.map((operand, i) =>
    graph.input(`x${i}`, "dtype" in operand ? operand.dtype : dtype, operand.dims)
  );
  const y = sample.build(...values);
  const u = graph.input("u", dtype, y.dims);
  const wrt = values.filter((_, i) => "domain" in sample.operands[i]);
  const cotangents = backward({ output: y, cotangent: u }, wrt, rules);
  graph.output("y", y);
  for (const value of wrt) graph.output(`d${value.name}`, cotangents.get(value) as Value);
  return await runtime.session(toOnnx(graph));
}

/** Seeded operands of a sample, as float64 numbers. */
export function drawOperands(sample: Sample, random: Random): number[][] {
  return sample.operands.map((operand) =>
    "values" in operand ? [...operand.values] : Array.from(
      { length: elementCount(operand.dims) },
      () => operand.domain[0] + random.uniform() * (operand.domain[1] - operand.domain[0]),
    )
  );
}

/** Feeds of a sample from its operands and the cotangent u. */
export function sampleFeeds(
  sample: Sample,
  { operands, u, outputDims, dtype }: {
    readonly operands: readonly number[][];
    readonly u: readonly number[];
    readonly outputDims: readonly number[];
    readonly dtype: Floating;
  },
): Feeds {
  const feeds: Feeds = { u: floating(dtype, outputDims, u) };
  sample.operands.forEach((operand, i) => {
    feeds[`x${i}`] = "dtype" in operand
      ? given(operand.dtype, operand.dims, operands[i])
      : floating(dtype, operand.dims, operands[i]);
  });
  return feeds;
}

/** The shape of what a sample builds. */
export function outputDims(sample: Sample): number[] {
  const graph = new Graph({ dtype: "float64" });
  const values = sample.operands.map((operand, i) =>
    graph.input(`x${i}`, "dtype" in operand ? operand.dtype : "float64", operand.dims)
  );
  return sample.build(...values).dims.map(Number);
}

/** ⟨v, VJP(u)⟩ beside the derivative of ⟨u, y⟩ along v taken by differences. */
export interface GradientCheck {
  readonly analytic: number;
  readonly numeric: number;
  readonly relativeError: number;
}

/** Step of the differences; five points leave an error of the order of its fourth power. */
const STEP = 1e-3;

/** Compares a sample's cotangents with differences, along one seeded direction, in float64. */
export async function checkGradient(
  runtime: Runtime,
  sample: Sample,
  { seed, rules }: { readonly seed: number; readonly rules?: VjpTable },
): Promise<GradientCheck> {
  const session = await openSample(runtime, sample, { dtype: "float64", rules });
  const random = Random.seeded(seed, "gradient check");
  const operands = drawOperands(sample, random);
  const dims = outputDims(sample);
  const u = Array.from({ length: elementCount(dims) }, () => random.normal());
  const direction = sample.operands.map((operand, i) =>
    operands[i].map(() => "domain" in operand ? random.normal() : 0)
  );
  const at = async (step: number) =>
    await session.run(sampleFeeds(sample, {
      operands: operands.map((x, i) => x.map((value, j) => value + step * direction[i][j])),
      u,
      outputDims: dims,
      dtype: "float64",
    }));
  const along = async (step: number) => dot(numbers((await at(step)).y), u);
  const here = await at(0);
  const analytic = sample.operands.reduce(
    (sum, operand, i) =>
      sum + ("domain" in operand ? dot(numbers(here[`dx${i}`]), direction[i]) : 0),
    0,
  );
  const numeric = (8 * (await along(STEP) - await along(-STEP)) -
    (await along(2 * STEP) - await along(-2 * STEP))) / (12 * STEP);
  await session.release();
  const scale = Math.max(Math.abs(analytic), Math.abs(numeric), 1e-3);
  return { analytic, numeric, relativeError: Math.abs(analytic - numeric) / scale };
}

/** What is wrong with a gradient, with op, shapes and both numbers; nothing when it agrees. */
export function describeFailure(
  op: string,
  sample: Sample,
  { analytic, numeric, relativeError }: GradientCheck,
): string | undefined {
  if (relativeError <= 1e-6) return undefined;
  const shapes = sample.operands.map(({ dims }) => `[${dims.join(", ")}]`).join(", ");
  return `${op} of ${shapes}: VJP gives ${analytic}, differences give ${numeric}.`;
}

/** A tensor's elements as numbers. */
export function numbers({ data }: Tensor): number[] {
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function floating(dtype: Floating, dims: readonly number[], values: readonly number[]): Tensor {
  const data = dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
  return { dtype, dims, data };
}

function given(
  dtype: "int64" | "bool",
  dims: readonly number[],
  values: readonly number[],
): Tensor {
  const data = dtype === "int64" ? BigInt64Array.from(values, BigInt) : Uint8Array.from(values);
  return { dtype, dims, data };
}
