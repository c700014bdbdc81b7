import assert from "node:assert/strict";
import { float32, int64 } from "../../../core/tensor.ts";
import { gradientGraph } from "../../../train/gradient_graph.ts";
import { collapseReshapes } from "../../../train/graph/collapse_reshapes.ts";
import { backward } from "../../../train/graph/gradients.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { liveNodes, lower } from "../../../train/graph/lower.ts";
import { add, exp, mul, reduceSum, reshape, routeAll } from "../../../train/graph/ops.ts";
import { TARGETS } from "../../../train/graph/target.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { goldenModel } from "../golden.ts";

const runtime = await openRuntime({ threads: 1 });

/** Two sources of 2 and 3 rows in targets of 4 and 2 slots; row 3 fills two, row 1 none. */
function routes(): Graph {
  const graph = new Graph({ dtype: "float32" });
  const a = graph.input("a", "float32", ["A", 2]);
  const b = graph.input("b", "float32", ["B", 2]);
  const inverses = [
    graph.input("ofA", "int64", ["A", 2]),
    graph.input("ofB", "int64", ["B", 2]),
  ];
  const indices = [graph.input("x", "int64", ["X", 2]), graph.input("y", "int64", ["Y"])];
  const [x, y] = routeAll([a, b], { indices, inverses });
  const output = add(reduceSum(mul(x, x)), reduceSum(exp(y)));
  graph.output("first", x);
  graph.output("second", y);
  const cotangents = backward({ output, cotangent: graph.scalar(1) }, [a, b]);
  for (const value of [a, b]) graph.output(`d${value.name}`, cotangents.get(value)!);
  return graph;
}

for (const target of TARGETS) {
  Deno.test(`rows of two tensors go to the slots of two others, and back, for ${target}`, async () => {
    const session = await runtime.session(toOnnx(routes(), { target }));
    const { first, second, da, db } = await session.run({
      a: float32([2, 2], Float32Array.of(1, 2, 3, 4)),
      b: float32([3, 2], Float32Array.of(5, 6, 7, 8, 9, 10)),
      x: int64([2, 2], [0, 2, 3, 4]),
      y: int64([2], [3, 0]),
      // Slots 0 … 3 are the first target's, 4 and 5 the second's, 6 is none.
      ofA: int64([2, 2], [0, 5, 6, 6]),
      ofB: int64([3, 2], [1, 6, 2, 4, 3, 6]),
    });
    await session.release();
    assert.deepEqual([...first.data], [1, 2, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual([...second.data], [7, 8, 1, 2]);
    const near = (found: Iterable<number | bigint>, expected: readonly number[]) =>
      [...found].forEach((value, i) => assert(Math.abs(Number(value) / expected[i] - 1) < 1e-5));
    near(da.data.slice(0, 2), [2 + Math.E, 4 + Math.exp(2)]);
    assert.deepEqual([...da.data.slice(2)], [0, 0]);
    near(db.data, [10, 12, 14 + Math.exp(7), 16 + Math.exp(8), 18, 20]);
  });
}

Deno.test("a gradient graph for a GPU joins and parts only tensors of equal sizes", async () => {
  const { config } = await goldenModel();
  const loss = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
  const unequal = (target: "cpu" | "cuda") =>
    liveNodes(lower(gradientGraph({ config, loss }), target)).filter(({ op, inputs, outputs }) => {
      const parts = op === "Concat" ? inputs : op === "Split" ? outputs : [];
      return parts.some(({ dims }) => dims.join() !== parts[0].dims.join());
    });
  assert(unequal("cpu").length > 0);
  assert.deepEqual(unequal("cuda"), []);
});

Deno.test("collapseReshapes() leaves one reshape of several, and none where nothing changes", () => {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "float32", ["S", 6]);
  const twice = reshape(reshape(x, ["S", 2, 3]), ["S", 3, 2]);
  graph.output("there", exp(twice));
  graph.output("back", exp(reshape(twice, ["S", 6])));
  const collapsed = collapseReshapes(graph);
  const { outputs } = collapsed;
  assert.deepEqual(liveNodes(collapsed).map(({ op }) => op), ["Reshape", "Exp", "Exp"]);
  assert.deepEqual(outputs.get("there")!.dims, ["S", 3, 2]);
  assert.deepEqual(outputs.get("back")!.dims, ["S", 6]);
});
