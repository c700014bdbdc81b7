import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { float32, int64, type Tensor } from "../../../core/tensor.ts";
import type { Dim } from "../../../train/graph/dims.ts";
import { gradients } from "../../../train/graph/gradients.ts";
import { Graph } from "../../../train/graph/graph.ts";
import * as ops from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Value } from "../../../train/graph/value.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { numbers } from "./check_gradient.ts";
import { drawBatch, drawState, trainingStep, trainSteps } from "./training_step.ts";

const SYMBOLS = { S: "S", T: "T", M: "M" };
const runtime = await openRuntime({ threads: 1 });

async function runOnce(
  build: (graph: Graph) => Record<string, Value>,
  feeds: Record<string, Tensor> = {},
  threads = 1,
): Promise<Record<string, number[]>> {
  const graph = new Graph({ dtype: "float32" });
  for (const [name, value] of Object.entries(build(graph))) graph.output(name, value);
  const session = await (await openRuntime({ threads })).session(toOnnx(graph));
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, numbers(tensor)]),
  );
}

const vector = (...values: number[]) => float32([values.length], Float32Array.from(values));

Deno.test("toOnnx() gives equal bytes for graphs built alike", () => {
  assert.deepEqual(trainingStep(SYMBOLS), trainingStep(SYMBOLS));
});

Deno.test("toOnnx() says the shapes of all that is computed, without which memory is not used again", () => {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "float32", ["S", "T"]);
  const flat = ops.reshape(x, ["S*T"]);
  graph.output("y", ops.reshape(ops.mul(flat, flat), ["S", "T"]));
  const text = new TextDecoder("latin1").decode(toOnnx(graph));
  // Sizes are computed from S and T: only a shape that is said spells their product.
  assert(text.includes("S*T"));
});

Deno.test("a training step with symbols equals the one with its sizes, bit for bit", async () => {
  const random = Random.seeded(1, "sizes");
  const [batch, state] = [drawBatch(3, 8, random), drawState(random)];
  const results = [];
  for (const dims of [SYMBOLS, { S: 3, T: 8, M: 12 }]) {
    const session = await runtime.session(trainingStep(dims));
    results.push(await session.run({ ...batch, ...state }));
    await session.release();
  }
  assert.deepEqual(results[0], results[1]);
});

// Not so for every shape: ONNX Runtime cuts an inner axis of thousands differently when each thread
// gets few columns (64×4096·4096×65 differs in the last bits), so threads belong in cache keys.
Deno.test("training steps give the same bits on one thread, on two, and again", async () => {
  const model = trainingStep(SYMBOLS);
  const results = [];
  for (const threads of [1, 2, 2]) {
    const session = await (await openRuntime({ threads })).session(model);
    results.push(await trainSteps(session, 12));
    await session.release();
  }
  assert(results[0].losses.every(Number.isFinite));
  assert.notDeepEqual(results[0].losses[0], results[0].losses[1]);
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
});

Deno.test("embedding() adds the cotangents of repeated ids exactly, on two threads", async () => {
  const ids = Array.from({ length: 4000 }, (_, i) => i % 7 === 0 ? 0 : i % 3);
  const counts = [0, 1, 2, 3].map((id) => ids.filter((other) => other === id).length);
  const { gradient } = await runOnce((graph) => {
    const table = graph.input("table", "float32", [4, 33]);
    const rows = ops.embedding(table, graph.input("ids", "int64", ["N"]));
    const sum = ops.reduceSum(rows);
    return { sum, gradient: gradients(sum, [table])[0] };
  }, {
    table: float32([4, 33], new Float32Array(4 * 33)),
    ids: int64([ids.length], ids),
  }, 2);
  assert.deepEqual(gradient, counts.flatMap((count) => Array(33).fill(count)));
});

Deno.test("tokenLogp() stays finite where the probability is below the smallest float", async () => {
  const logits = float32([2, 3], Float32Array.of(0, -500, 1e4, 1e4, 1e4, -1e4));
  const { logp, gradient } = await runOnce((graph) => {
    const x = graph.input("logits", "float32", ["M", 3]);
    const logp = ops.tokenLogp(x, graph.input("targets", "int64", ["M"]));
    return { logp, gradient: gradients(ops.reduceSum(logp), [x])[0] };
  }, { logits, targets: int64([2], [1, 0]) });
  assert.equal(logp[0], -10500);
  assert(Math.abs(logp[1] + Math.LN2) < 1e-6);
  assert.deepEqual(gradient.map((x) => x + 0), [0, 1, -1, 0.5, -0.5, 0]);
});

Deno.test("softplus() is exact far from 0", async () => {
  for (const dtype of ["float32", "float64"] as const) {
    const { y } = await runOnce((graph) => {
      const x = ops.cast(graph.input("x", "float32", [3]), dtype);
      return { y: ops.softplus(x) };
    }, { x: vector(-200, 0, 300) });
    assert(Math.abs(y[1] - Math.LN2) < 1e-7);
    const small = dtype === "float32" ? 0 : Math.exp(-200); // below what float32 holds
    assert(Math.abs(y[0] - small) <= 1e-12 * small);
    assert.equal(y[2], 300);
  }
});

Deno.test("attention() under a causal mask gives a position nothing of what follows it", async () => {
  const build = (graph: Graph) => {
    const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, "float32", ["S", 2, "T", 4]));
    const heads = { q, k, v, mask: ops.causalMask(graph, "T"), scale: 0.5 };
    return { y: ops.transpose(ops.attention(heads), [0, 2, 1, 3]) };
  };
  const random = Random.seeded(2, "causal");
  const draw = () =>
    float32([1, 2, 3, 4], Float32Array.from({ length: 24 }, () => random.normal()));
  const feeds = { q: draw(), k: draw(), v: draw() };
  const later = (tensor: Tensor) =>
    float32([1, 2, 3, 4], (tensor.data as Float32Array).map((x, i) => i % 12 < 8 ? x : 7 - x));
  const { y } = await runOnce(build, feeds);
  const changed = await runOnce(build, { ...feeds, k: later(feeds.k), v: later(feeds.v) });
  assert.deepEqual(changed.y.slice(0, 16), y.slice(0, 16));
  assert.notDeepEqual(changed.y.slice(16), y.slice(16));
  const first = [...feeds.v.data.slice(0, 4), ...feeds.v.data.slice(12, 16)];
  assert.deepEqual(y.slice(0, 8), first.map(Number));
});

Deno.test("sizes that are sums and products of symbols are computed in the graph", async () => {
  const random = Random.seeded(4, "sizes");
  const dims: readonly Dim[] = ["P", "T"];
  const feeds = Object.fromEntries(dims.map((dim, i) => {
    const [rows, width] = [2, 3 + i];
    const data = Float32Array.from({ length: rows * width * 4 }, () => random.normal());
    return [String(dim), float32([rows, width, 2, 2], data)];
  }));
  const { flat, size, grown } = await runOnce((graph) => {
    const [past, now] = dims.map((dim) => graph.input(String(dim), "float32", ["S", dim, 2, 2]));
    const all = ops.concat([past, now], 1); // (S, P+T, 2, 2)
    return {
      flat: ops.reshape(ops.mul(all, 1), ["P*S+S*T", 4]),
      size: ops.sizeOf(graph, "2*P*S+T-1"),
      grown: ops.expand(ops.sizeOf(graph, "S"), ["T", "P-1"]),
    };
  }, feeds);
  assert.equal(flat.length, 2 * 7 * 4);
  assert.deepEqual(size, [15]);
  assert.deepEqual(grown, Array(8).fill(2));
});

Deno.test("a value can be an output twice, as can an input and a constant", async () => {
  const results = await runOnce((graph) => {
    const x = graph.input("x", "float32", [2]);
    const y = ops.mul(x, 2);
    return { y, again: y, same: x, three: graph.scalar(3), list: graph.constant(vector(4, 5)) };
  }, { x: vector(1, 2) });
  assert.deepEqual(results, {
    y: [2, 4],
    again: [2, 4],
    same: [1, 2],
    three: [3],
    list: [4, 5],
  });
});
