import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { elementCount } from "../../../core/tensor.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import {
  checkGradient,
  describeFailure,
  drawOperands,
  numbers,
  openSample,
  outputDims,
  sampleFeeds,
} from "./check_gradient.ts";
import { gradients } from "../../../train/graph/gradients.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add, linear, mul, reduceSum, sign, tanh } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { VjpTable } from "../../../train/graph/vjp/vjp_rule.ts";
import { VJP_RULES } from "../../../train/graph/vjp_rules.ts";
import { type Sample, SAMPLES } from "./samples.ts";

const runtime = await openRuntime({ threads: 1 });

for (const [op, samples] of Object.entries(SAMPLES)) {
  Deno.test(`gradient of ${op} agrees with differences in float64`, async () => {
    const failures: string[] = [];
    for (const [i, sample] of samples.entries()) {
      const failure = describeFailure(
        op,
        sample,
        await checkGradient(runtime, sample, { seed: i }),
      );
      if (failure !== undefined) failures.push(failure);
    }
    assert.deepEqual(failures, []);
  });

  Deno.test(`${op} in float32 agrees with float64, value and gradient`, async () => {
    for (const [i, sample] of samples.entries()) await compareDtypes(op, sample, i);
  });
}

Deno.test("the check catches a flipped sign and names op, shapes and both numbers", async () => {
  const [sample] = SAMPLES.Sub;
  const rules: VjpTable = { ...VJP_RULES, Sub: (_, [dy]) => [() => dy!, () => dy!] };
  const check = await checkGradient(runtime, sample, { seed: 0, rules });
  assert.equal(
    describeFailure("Sub", sample, check),
    `Sub of [3], [3]: VJP gives ${check.analytic}, differences give ${check.numeric}.`,
  );
  assert(check.relativeError > 0.1);
});

Deno.test("gradients() adds nothing for what is frozen", () => {
  const count = (trained: "first" | "last") => {
    const graph = new Graph({ dtype: "float32" });
    const x = graph.input("x", "float32", ["S", 4]);
    const first = graph.input("first", "float32", [4, 4]);
    const last = graph.input("last", "float32", [4, 4]);
    const y = linear(tanh(linear(x, first)), last);
    const loss = reduceSum(mul(y, y));
    const before = graph.nodes.length;
    gradients(loss, [trained === "first" ? first : last]);
    return graph.nodes.slice(before).map(({ op }) => op);
  };
  // d last = dyᵀ · hidden; d first goes through d hidden = dy · last and the slope of tanh.
  assert.deepEqual(count("last"), ["Full", "Reshape", "Expand", "Mul", "Add", "Gemm"]);
  assert.deepEqual(count("first").filter((op) => op === "Gemm").length, 2);
});

Deno.test("gradients() adds up the uses of a value", async () => {
  const graph = new Graph({ dtype: "float64" });
  const x = graph.input("x", "float64", []);
  graph.output("d", gradients(add(mul(x, x), mul(x, 3)), [x])[0]);
  const session = await runtime.session(toOnnx(graph));
  const { d } = await session.run({ x: { dtype: "float64", dims: [], data: Float64Array.of(5) } });
  await session.release();
  assert.deepEqual(numbers(d), [13]);
});

Deno.test("gradients() says what is wrong with a loss", () => {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "float32", [2]);
  const y = graph.input("y", "float32", []);
  assert.throws(
    () => gradients(x, [x]),
    new RangeError("Expected the loss to be a scalar but found [2]."),
  );
  assert.throws(
    () => gradients(reduceSum(mul(x, x)), [y]),
    new RangeError('The loss does not depend on "y".'),
  );
  assert.throws(
    () => gradients(reduceSum(sign(x)), [x]),
    new TypeError('Sign has no gradient, but one is needed through it, of "x".'),
  );
});

async function compareDtypes(op: string, sample: Sample, seed: number): Promise<void> {
  const random = Random.seeded(seed, "dtypes");
  const dims = outputDims(sample);
  const operands = drawOperands(sample, random).map((x) => x.map(Math.fround));
  const u = Array.from({ length: elementCount(dims) }, () => Math.fround(random.normal()));
  const results = [];
  for (const dtype of ["float32", "float64"] as const) {
    const session = await openSample(runtime, sample, { dtype });
    results.push(await session.run(sampleFeeds(sample, { operands, u, outputDims: dims, dtype })));
    await session.release();
  }
  for (const name of Object.keys(results[0])) {
    const [single, double] = results.map((result) => numbers(result[name]));
    single.forEach((value, i) => {
      assert(
        Math.abs(value - double[i]) <= 2e-6 * Math.max(1, Math.abs(double[i])),
        `${op} ${name}[${i}]: float32 gives ${value}, float64 ${double[i]}.`,
      );
    });
  }
}
