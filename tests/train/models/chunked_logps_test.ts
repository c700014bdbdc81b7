import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { elementCount, type Tensor } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { gradients } from "../../../train/graph/gradients.ts";
import { linear, mul, reduceSum, tokenLogp } from "../../../train/graph/ops.ts";
import { TARGETS } from "../../../train/graph/target.ts";
import { lowerForSession, toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Value } from "../../../train/graph/value.ts";
import { gradientGraph } from "../../../train/gradient_graph.ts";
import { logpsGraph } from "../../../train/logps_graph.ts";
import { openScorer } from "../../../train/logps.ts";
import { newAdapter } from "../../../train/models/new_adapter.ts";
import { chunkedCotangents, chunkedLogps } from "../../../train/models/chunked_logps.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { trainModel } from "../../../train/trainer.ts";
import { goldenModel, goldenPairs, relativeError } from "../golden.ts";
import { goldenRun } from "../golden_run.ts";
import { tinyModel, tinyRun } from "../tiny_run.ts";

const [ROWS, WIDTH, WORDS] = [6, 3, 11];
/** Entries of the vocabulary, in chunks of several sizes. */
const BOUNDS = [0, 4, 9, 10, 11];
const TARGETS_OF_ROWS = [0, 3, 4, 8, 9, 10];

type Feeds = Record<string, Tensor<"float64" | "int64">>;

/** Weighted log-probs by chunks and at once, and the cotangents of hidden states and weight of both. */
function bothWays(): Graph {
  const graph = new Graph({ dtype: "float64" });
  const hidden = graph.input("hidden", "float64", ["M", WIDTH]);
  const targets = graph.input("targets", "int64", ["M"]);
  const u = graph.input("u", "float64", ["M"]);
  const chunks = BOUNDS.slice(1).map((end, i) => {
    const start = BOUNDS[i];
    const name = `weight[${start}:${end}]`;
    return { name, start, end, weight: graph.input(name, "float64", [end - start, WIDTH]) };
  });
  const chunked = chunkedLogps({ hidden, targets, chunks });
  const dHidden = chunkedCotangents(chunked, u, ({ name }, gradient) => {
    graph.output(`d${name}`, gradient);
    return gradient;
  });
  graph.output("logps", chunked.logps);
  graph.output("dhidden", dHidden);
  const weight = graph.input("weight", "float64", [WORDS, WIDTH]);
  const whole = tokenLogp(linear(hidden, weight), targets);
  const [whole_dHidden, whole_dWeight] = gradients(reduceSum(mul(whole, u)), [hidden, weight]);
  graph.output("whole/logps", whole);
  graph.output("whole/dhidden", whole_dHidden);
  graph.output("whole/dweight", whole_dWeight);
  return graph;
}

function drawFeeds(): Feeds {
  const random = Random.seeded(7, "chunks");
  const numbers = (...dims: number[]): Tensor<"float64"> => ({
    dtype: "float64",
    dims,
    data: Float64Array.from({ length: elementCount(dims) }, () => 4 * random.uniform() - 2),
  });
  const targets = BigInt64Array.from(TARGETS_OF_ROWS, BigInt);
  const feeds = { hidden: numbers(ROWS, WIDTH), u: numbers(ROWS), weight: numbers(WORDS, WIDTH) };
  return { ...feeds, targets: { dtype: "int64", dims: [ROWS], data: targets } };
}

/** The pieces of the weight beside it. */
function withPieces(feeds: Feeds): Feeds {
  const data = feeds.weight.data as Float64Array;
  const pieces = BOUNDS.slice(1).map((end, i) => {
    const start = BOUNDS[i];
    const rows = data.slice(start * WIDTH, end * WIDTH);
    return [`weight[${start}:${end}]`, {
      dtype: "float64" as const,
      dims: [end - start, WIDTH],
      data: rows,
    }];
  });
  return { ...feeds, ...Object.fromEntries(pieces) };
}

async function run(feeds: Feeds): Promise<Record<string, Float64Array>> {
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(bothWays()));
  const outputs = await session.run(withPieces(feeds));
  await session.release();
  const found = Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, data as Float64Array]),
  );
  const pieces = BOUNDS.slice(1).map((end, i) => found[`dweight[${BOUNDS[i]}:${end}]`]);
  return { ...found, dweight: Float64Array.from(pieces.flatMap((piece) => [...piece])) };
}

Deno.test("chunkedLogps() and chunkedCotangents() equal tokenLogp() and its gradients to 1e-12", async () => {
  const found = await run(drawFeeds());
  for (const name of ["logps", "dhidden", "dweight"]) {
    const expected = found[`whole/${name}`];
    assert.equal(found[name].length, expected.length);
    found[name].forEach((x, i) => assert(Math.abs(x - expected[i]) < 1e-12, `${name}[${i}]`));
  }
});

for (const name of ["hidden", "weight"]) {
  Deno.test(`chunkedCotangents() of ${name} are the slope of chunkedLogps()`, async () => {
    const feeds = drawFeeds();
    const random = Random.seeded(8, "direction");
    const { data } = feeds[name] as Tensor<"float64">;
    const direction = Float64Array.from(data, () => random.uniform() - 0.5);
    const sumAt = async (step: number) => {
      const moved = data.map((x, i) => x + step * direction[i]);
      const { logps } = await run({ ...feeds, [name]: { ...feeds[name], data: moved } as never });
      return logps.reduce((sum, logp, i) => sum + logp * Number(feeds.u.data[i]), 0);
    };
    const step = 1e-5;
    const slope = (await sumAt(step) - await sumAt(-step)) / (2 * step);
    const cotangent = (await run(feeds))[`d${name}`];
    const expected = cotangent.reduce((sum, x, i) => sum + x * direction[i], 0);
    assert(relativeError(slope, expected) < 1e-8, `${slope} ≠ ${expected}`);
  });
}

for (const family of FAMILIES) {
  Deno.test(`a ${family} model scores and trains by chunks of logits as by all at once`, async () => {
    const model = await goldenModel(family);
    const pairs = goldenPairs();
    const logps = async (vocabularyChunk?: number) => {
      const scorer = await openScorer(model, { threads: 1, vocabularyChunk });
      return await scorer.scorePairs(pairs).finally(() => scorer.release());
    };
    const [whole, chunked] = [await logps(), await logps(20)];
    chunked.forEach(({ chosenLogp, rejectedLogp }, i) => {
      assert(relativeError(chosenLogp, whole[i].chosenLogp) < 1e-6);
      assert(relativeError(rejectedLogp!, whole[i].rejectedLogp!) < 1e-6);
    });
    const loss = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
    const { steps: expected } = await trainModel(goldenRun(model, loss));
    const ways = [{}, { gradientCheckpointing: true }, {
      adapter: newAdapter({ rank: 2 }, { model: model.config, seed: 1 }),
    }];
    for (const way of ways) {
      const plain = "adapter" in way
        ? (await trainModel(goldenRun(model, loss, way))).steps
        : expected;
      const run = goldenRun(model, loss, { ...way, vocabularyChunk: 20 });
      (await trainModel(run)).steps.forEach((row, i) => {
        assert(relativeError(row.loss, plain[i].loss) < 1e-6, `step ${i + 1}: ${row.loss}`);
        assert(relativeError(row.gradNorm, plain[i].gradNorm) < 1e-5, `step ${i + 1}`);
      });
    }
  });
}

Deno.test("trainModel() by chunks of logits scores the rejected replies that SFT does not read", async () => {
  const loss = { loss: "sft", sft: "sum" } as const;
  const { steps: expected } = await trainModel(tinyRun({ loss }));
  const { steps } = await trainModel(tinyRun({ loss, vocabularyChunk: 5 }));
  steps.forEach(({ rejectedLogp }, i) =>
    assert(relativeError(rejectedLogp!, expected[i].rejectedLogp!) < 1e-5, `step ${i + 1}`)
  );
});

Deno.test("trainModel() by chunks of logits in bfloat16 stays within the band of float32", async () => {
  const model = await goldenModel();
  const loss = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
  const of = async (changes: Parameters<typeof goldenRun>[2]) =>
    (await trainModel(goldenRun(model, loss, changes))).steps;
  const steps = await of({ precision: "bfloat16", vocabularyChunk: 20 });
  (await of({})).forEach((row, i) => {
    assert(relativeError(steps[i].loss, row.loss) < 0.02, `step ${i + 1}: ${steps[i].loss}`);
    assert(relativeError(steps[i].gradNorm, row.gradNorm) < 0.1, `step ${i + 1}`);
  });
});

const ADAPTER = newAdapter({ rank: 2 }, { model: tinyModel.config, seed: 1 }).config;

for (const target of TARGETS) {
  for (const precision of ["float32", "bfloat16", "float16"] as const) {
    Deno.test(`graphs with chunks of logits for ${target} in ${precision} have kernels, and never all logits`, () => {
      const { config } = tinyModel;
      const all = config.vocabSize;
      const loss = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
      const graphsOf = (vocabularyChunk: number) => [
        ...[undefined, ADAPTER].flatMap((adapter) =>
          [false, true].map((gradientCheckpointing) =>
            gradientGraph({
              ...{ config, loss, adapter, precision, gradientCheckpointing, vocabularyChunk },
              rests: false,
            })
          )
        ),
        logpsGraph(config, undefined, { precision, rests: false, vocabularyChunk }),
      ];
      const isLogits = ({ dims }: Value) => dims.length === 2 && dims[0] === "M" && dims[1] === all;
      const holdsLogits = (graph: Graph) =>
        lowerForSession(graph, { target }).nodes.some(({ outputs }) => outputs.some(isLogits));
      for (const graph of graphsOf(5)) {
        toOnnx(graph, { target }); // verifies that there are kernels
        assert(!holdsLogits(graph));
      }
      assert(graphsOf(all).every(holdsLogits));
    });
  }
}
