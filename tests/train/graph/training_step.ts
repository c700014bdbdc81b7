import { Random } from "../../../core/random.ts";
import { elementCount, float32, int64, type Tensor } from "../../../core/tensor.ts";
import { type Dim, productDim } from "../../../train/graph/dims.ts";
import { gradients } from "../../../train/graph/gradients.ts";
import { Graph } from "../../../train/graph/graph.ts";
import * as ops from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Value } from "../../../train/graph/value.ts";
import type { Session } from "../../../train/runtime/open_runtime.ts";

const [V, D, H, K, F] = [53, 32, 4, 2, 64];
const WEIGHTS: Readonly<Record<string, readonly number[]>> = {
  embedding: [V, D],
  norm1: [D],
  q: [D, D],
  k: [K * (D / H), D],
  v: [K * (D / H), D],
  o: [D, D],
  norm2: [D],
  gate: [F, D],
  up: [F, D],
  down: [D, F],
};

/** Sizes of a batch: numbers, or the symbols that stand for them. */
export interface BatchDims {
  readonly S: Dim;
  readonly T: Dim;
  readonly M: Dim;
}

/** One decoder layer, its loss, and a step of gradient descent with momentum, as an ONNX model. */
export function trainingStep({ S, T, M }: BatchDims): Uint8Array {
  const graph = new Graph({ dtype: "float32" });
  const weights = new Map(
    Object.entries(WEIGHTS).map(([name, dims]) => [name, graph.input(name, "float32", dims)]),
  );
  const logps = replyLogps(graph, (name) => weights.get(name)!, { S, T, M });
  const loss = ops.neg(ops.reduceMean(logps));
  const updates = gradients(loss, [...weights.values()]);
  const norm = ops.sqrt(
    updates.map((x) => ops.reduceSum(ops.mul(x, x))).reduce((a, b) => ops.add(a, b)),
  );
  graph.output("loss", loss);
  graph.output("norm", norm);
  [...weights].forEach(([name, weight], i) => {
    const velocity = graph.input(`${name}.v`, "float32", weight.dims);
    const next = ops.add(ops.mul(velocity, 0.9), ops.div(updates[i], norm));
    graph.output(`${name}.v.next`, next);
    graph.output(`${name}.next`, ops.sub(weight, ops.mul(next, 0.05)));
  });
  return toOnnx(graph);
}

/** Log-probs of the tokens that follow M positions: (M). */
function replyLogps(
  graph: Graph,
  weight: (name: string) => Value,
  { S, T, M }: BatchDims,
): Value {
  const ids = graph.input("ids", "int64", [S, T]);
  const [cos, sin] = ["cos", "sin"].map((name) => graph.input(name, "float32", [T, D / H / 2]));
  const heads = (x: Value, count: number) => ops.reshape(x, [S, T, count, D / H]);
  const embedded = ops.embedding(weight("embedding"), ids); // (S, T, D)
  const x = ops.rmsNorm(embedded, weight("norm1"), 1e-5);
  const [q, k, v] = [["q", H], ["k", K], ["v", K]].map(([name, count]) =>
    heads(ops.linear(x, weight(name as string)), count as number)
  );
  const [rotatedQ, rotatedK] = [q, k].map((x) => ops.rotary(x, cos, sin));
  const headsFirst = (x: Value) => ops.transpose(x, [0, 2, 1, 3]);
  const seen = headsFirst(ops.attention({
    q: headsFirst(rotatedQ),
    k: headsFirst(rotatedK),
    v: headsFirst(v),
    mask: ops.causalMask(graph, T),
    scale: (D / H) ** -0.5,
  })); // (S, T, H, D/H)
  const attended = ops.linear(ops.reshape(seen, [S, T, D]), weight("o"));
  const hidden = ops.add(embedded, attended);
  const y = ops.rmsNorm(hidden, weight("norm2"), 1e-5);
  const gated = ops.gatedActivation(ops.linear(y, weight("gate")), ops.linear(y, weight("up")));
  const last = ops.add(hidden, ops.linear(gated, weight("down")));
  const rows = ops.reshape(last, [productDim([S, T]), D]);
  const replies = ops.embedding(rows, graph.input("positions", "int64", [M])); // (M, D)
  const logits = ops.linear(replies, weight("embedding")); // (M, V)
  return ops.tokenLogp(logits, graph.input("targets", "int64", [M]));
}

/** A seeded batch: the second half of each sequence is the reply. */
export function drawBatch(S: number, T: number, random: Random): Record<string, Tensor> {
  const half = Math.floor(T / 2);
  const ids = Array.from({ length: S * T }, () => random.integer(V));
  const positions = Array.from(
    { length: S * half },
    (_, i) => Math.floor(i / half) * T + T - 1 - half + i % half,
  );
  const table = (f: (angle: number) => number) =>
    Float32Array.from(
      { length: T * D / H / 2 },
      (_, i) => f(Math.floor(i / (D / H / 2)) * 10 ** -(i % (D / H / 2))),
    );
  return {
    ids: int64([S, T], ids),
    positions: int64([positions.length], positions),
    targets: int64([positions.length], positions.map((position) => ids[position + 1])),
    cos: float32([T, D / H / 2], table(Math.cos)),
    sin: float32([T, D / H / 2], table(Math.sin)),
  };
}

/** Seeded weights and no velocity. */
export function drawState(random: Random): Record<string, Tensor<"float32">> {
  const state: Record<string, Tensor<"float32">> = {};
  for (const [name, dims] of Object.entries(WEIGHTS)) {
    const data = new Float32Array(elementCount(dims));
    state[`${name}.v`] = float32(dims, data.slice());
    state[name] = float32(dims, data.map(() => dims.length === 1 ? 1 : 0.3 * random.normal()));
  }
  return state;
}

/** Steps on batches of several sizes; the losses, and the state at the end. */
export async function trainSteps(session: Session, steps: number) {
  const random = Random.seeded(3, "training step");
  let state = drawState(random);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const batch = drawBatch(16 + step % 3, 20 + step % 5, random);
    const results = await session.run({ ...batch, ...state });
    losses.push(Number(results.loss.data[0]));
    state = Object.fromEntries(
      Object.keys(state).map((name) => [name, results[`${name}.next`] as Tensor<"float32">]),
    );
  }
  return { losses, state };
}
