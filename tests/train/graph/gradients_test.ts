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
import { type Sample, SAMPLES } from "./samples.ts";

const runtime = await openRuntime({ threads: 1 });

for (const [op, samples] of Object.entries(SAMPLES)) {
  Deno.test(`gradient of ${op} agrees with differences in float64`, async () => {
    const failures: string[] = [];
    for (const [i, sample] of samples.entries()) {
      const failure = describeFailure(op, sample, await checkGradient(runtime, sample, i));
      if (failure !== undefined) failures.push(failure);
    }
    assert.deepEqual(failures, []);
  });

  Deno.test(`${op} in float32 agrees with float64, value and gradient`, async () => {
    for (const [i, sample] of samples.entries()) await compareDtypes(op, sample, i);
  });
}

async function compareDtypes(op: string, sample: Sample, seed: number): Promise<void> {
  const random = Random.seeded(seed, "dtypes");
  const dims = outputDims(sample);
  const operands = drawOperands(sample, random).map((x) => x.map(Math.fround));
  const u = Array.from({ length: elementCount(dims) }, () => Math.fround(random.normal()));
  const results = [];
  for (const dtype of ["float32", "float64"] as const) {
    const session = await openSample(runtime, sample, dtype);
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
