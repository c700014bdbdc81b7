import { float32 } from "../core/tensor.ts";
import { Graph } from "../train/graph/graph.ts";
import { add, matmul, softmax } from "../train/graph/ops.ts";
import { targetOf } from "../train/graph/target.ts";
import { toOnnx } from "../train/graph/to_onnx.ts";
import type { Runtime } from "../train/runtime/runtime.ts";

/** Both rows of [[1, 2], [3, 4]] · 1 + [0, 1] rise by 2, so that softmax makes the same of them. */
const EXPECTED = [1 / (1 + Math.exp(2)), 1 / (1 + Math.exp(-2))];
const TOLERANCE = 1e-5;

/**
 * Has a runtime open and run one small session, on tensors that lie where it computes: what it needs
 * is loaded for that, and not before.
 *
 * @throws Error with ONNX Runtime's own text when it cannot, or when something else comes out than ought to
 */
export async function requireComputing(runtime: Runtime): Promise<void> {
  const graph = new Graph({ dtype: "float32" });
  const [x, w] = ["x", "w"].map((name) => graph.input(name, "float32", [2, 2]));
  const b = graph.input("b", "float32", [2]);
  graph.output("y", softmax(add(matmul(x, w), b)));
  const session = await runtime.session(
    toOnnx(graph, { target: targetOf(runtime.options.device) }),
  );
  using stack = new DisposableStack();
  const place = (dims: readonly number[], ...values: number[]) =>
    stack.use(runtime.place(float32(dims, Float32Array.from(values))));
  try {
    const feeds = {
      x: place([2, 2], 1, 2, 3, 4),
      w: place([2, 2], 1, 0, 0, 1),
      b: place([2], 0, 1),
    };
    const found = Array.from((await session.run(feeds)).y.data, Number);
    if (found.every((value, i) => Math.abs(value - EXPECTED[i % 2]) <= TOLERANCE)) return;
    throw new Error(
      `Expected a small session to give ${EXPECTED.join(", ")}, twice, but found ${
        found.join(", ")
      }.`,
    );
  } finally {
    await session.release();
  }
}
