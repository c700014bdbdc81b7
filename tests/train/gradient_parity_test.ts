import assert from "node:assert/strict";
import type { Tensor } from "../../core/tensor.ts";
import { gradients } from "../../train/graph/gradients.ts";
import { Graph } from "../../train/graph/graph.ts";
import { add, reduceMean, split } from "../../train/graph/ops.ts";
import { toOnnx } from "../../train/graph/to_onnx.ts";
import { rpoLoss } from "../../train/losses/rpo.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { Transformer, weightInputs } from "../../train/models/transformer.ts";
import type { Model } from "../../train/models/model.ts";
import { RotaryAngles } from "../../train/models/rotary_angles.ts";
import { sequenceLogps, summedBatchInputs } from "../../train/models/sequence_logps.ts";
import { pairFeeds } from "../../train/pair_batches.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { golden, goldenModel, goldenPairs, relativeError } from "./golden.ts";

interface GoldenGradients {
  loss: number;
  reference_chosen: number[];
  parameters: Record<string, GoldenGradient>;
}

interface GoldenGradient {
  norm: number;
  projection: number;
  head: number[];
}

/** The gradient of RPO `sum` (β 0.1, η 0.05) with the log-probs of the policy −3 / +2 as reference. */
function gradientGraph(model: Model): Graph {
  const graph = new Graph({ dtype: "float32" });
  const weights = weightInputs(graph, model.config);
  const batch = summedBatchInputs(graph, model.config, {
    symbols: { sequences: "2*P", time: "T", tokens: "N", replyTokens: "M" },
  });
  const logps = sequenceLogps(new Transformer(model.config, weights), batch);
  const [policyChosen, policyRejected] = split(logps, { axis: 0, sizes: ["P", "P"] });
  const perPair = (name: string) => graph.input(name, "float64", ["P"]);
  const read = {
    policyChosen,
    policyRejected,
    referenceChosen: perPair("referenceChosen"),
    referenceRejected: perPair("referenceRejected"),
  };
  const unread = {
    chosenTokens: policyChosen,
    rejectedTokens: policyChosen,
    meanChosenTokens: policyChosen,
  };
  const terms = rpoLoss({ ...read, ...unread }, { beta: 0.1, eta: 0.05, sft: "sum" });
  const loss = add(reduceMean(terms.preference), reduceMean(terms.regulariser)); // ()
  graph.output("loss", loss);
  const grads = gradients(loss, [...weights.values()]);
  [...weights.keys()].forEach((name, i) => graph.output(`grad/${name}`, grads[i]));
  return graph;
}

async function gradientsOf(model: Model): Promise<Record<string, Tensor>> {
  const { rows } = golden<{ rows: { chosenLogp: number; rejectedLogp: number }[] }>(
    `${model.config.family}/logps.json`,
  );
  const pairs = goldenPairs().slice(0, 4);
  const reference = pairs.map(({ id }, i) => ({
    id,
    chosenLogp: rows[i].chosenLogp - 3,
    rejectedLogp: rows[i].rejectedLogp + 2,
    chosenTokens: 0,
    rejectedTokens: 0,
  }));
  const { chosenTokens: _c, rejectedTokens: _r, meanChosenTokens: _m, ...feeds } = pairFeeds(
    { pairs, reference },
    new RotaryAngles(model.config),
  );
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(gradientGraph(model)));
  const results = await session.run({ ...Object.fromEntries(model.weights), ...feeds });
  await session.release();
  return results;
}

for (const family of FAMILIES) {
  Deno.test(`gradients of every ${family} weight equal PyTorch's in norm and projection to 1e-4`, async () => {
    const model = await goldenModel(family);
    const results = await gradientsOf(model);
    const expected = golden<GoldenGradients>(`${family}/gradients.json`);
    assert(relativeError(Number(results.loss.data[0]), expected.loss) < 1e-5);
    assert.deepEqual(Object.keys(expected.parameters).sort(), [...model.weights.keys()].sort());
    for (const [name, parameter] of Object.entries(expected.parameters)) {
      compareGradient(name, results[`grad/${name}`].data as Float32Array, parameter);
    }
  });
}

/**
 * Single numbers can be near 0 by chance, and then hold little but rounding: PyTorch's own float32
 * projections differ from ours in float64 by up to 9e-6 of the gradient's norm. So errors of elements
 * are measured on the norm, those of a projection on a tenth of it at least.
 */
function compareGradient(name: string, gradient: Float32Array, expected: GoldenGradient): void {
  const { norm, projection, head } = expected;
  let squares = 0;
  let dot = 0;
  gradient.forEach((g, i) => {
    squares += g * g;
    dot += g * Math.cos(i * 0.37 + 0.1);
  });
  assert(relativeError(Math.sqrt(squares), norm) <= 1e-4, `${name}: norm ${Math.sqrt(squares)}`);
  const scale = Math.max(Math.abs(projection), 0.1 * norm);
  assert(Math.abs(dot - projection) <= 1e-4 * scale, `${name}: ${dot} ≠ ${projection}`);
  head.forEach((value, i) => assert(Math.abs(gradient[i] - value) <= 1e-4 * norm, `${name}[${i}]`));
}
