import assert from "node:assert/strict";
import { Graph } from "../../../train/graph/graph.ts";
import { add, cast, embedding, mul } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Node, Value } from "../../../train/graph/value.ts";
import { GraphError, type GraphView, verify } from "../../../train/graph/verify.ts";

/** x (2) and y = x + x, as a graph that each test bends in one way. */
function wellFormed() {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "float32", [2]);
  const y = add(x, x);
  graph.output("y", y);
  const view: GraphView = {
    inputs: graph.inputs,
    outputs: graph.outputs,
    nodes: graph.nodes,
  };
  return { graph, x, y, node: graph.nodes[0], view };
}

function violations(view: GraphView): readonly string[] {
  try {
    verify(view);
  } catch (error) {
    assert(error instanceof GraphError);
    assert.equal(error.message, error.violations.join("\n"));
    return error.violations;
  }
  return [];
}

const ADD = "Add %Add_0.0 (float32[2], float32[2] → float32[2])";

Deno.test("verify() accepts a well-formed graph", () => {
  assert.deepEqual(violations(wellFormed().view), []);
});

Deno.test("verify() wants outputs", () => {
  const { view } = wellFormed();
  assert.deepEqual(violations({ ...view, outputs: new Map() }), [
    "The graph has no outputs.",
    'Input "x" float32[2]: no output needs it.',
  ]);
});

Deno.test("verify() wants ops that it knows", () => {
  const { view, node } = wellFormed();
  const unknown = { ...node, op: "Frobnicate" } as unknown as Node;
  assert.deepEqual(violations({ ...view, nodes: [unknown] }), [
    "Frobnicate %Add_0.0 (float32[2], float32[2] → float32[2]): no such op.",
  ]);
});

Deno.test("verify() wants names used once", () => {
  const { view, node, y } = wellFormed();
  const twin: Value = { ...y, name: "x" };
  const second: Node = { ...node, outputs: [twin] };
  assert.deepEqual(violations({ ...view, nodes: [node, second] }), [
    '"x" names both float32[2] and float32[2].',
  ]);
});

Deno.test("verify() wants each value made once", () => {
  const { view, node } = wellFormed();
  assert.deepEqual(violations({ ...view, nodes: [node, node] }), [
    `${ADD}: "%Add_0.0" is made a second time.`,
  ]);
});

Deno.test("verify() wants values made before they are used", () => {
  const { view, node, y } = wellFormed();
  const circular: Node = { ...node, inputs: [y, y] };
  assert.deepEqual(violations({ ...view, inputs: new Map(), nodes: [circular] }), [
    `${ADD}: "%Add_0.0" is not made before it.`,
    `${ADD}: "%Add_0.0" is not made before it.`,
  ]);
  assert.deepEqual(violations({ ...view, inputs: new Map(), nodes: [] }), [
    'Output "y": nothing makes float32[2].',
  ]);
});

Deno.test("verify() wants the types that ops give", () => {
  const { view, node, y } = wellFormed();
  const wrong: Value = { ...y, dims: [3] };
  assert.deepEqual(
    violations({
      ...view,
      outputs: new Map([["y", wrong]]),
      nodes: [{ ...node, outputs: [wrong] }],
    }),
    [
      "Add %Add_0.0 (float32[2], float32[2] → float32[3]): expected float32[2] out of it.",
    ],
  );
  assert.deepEqual(
    violations({ ...view, nodes: [{ ...node, inputs: [...view.inputs.values()] }] }),
    [
      "Add %Add_0.0 (float32[2] → float32[2]): Add: expected 2 inputs but found float32[2].",
    ],
  );
});

Deno.test("verify() wants a CPU kernel for the dtype", () => {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "bfloat16", [2]);
  graph.output("y", mul(x, x));
  assert.deepEqual(violations(graph), [
    "Mul %Mul_0.0 (bfloat16[2], bfloat16[2] → bfloat16[2]): no CPU kernel for bfloat16, " +
    "only for float32, float64, int64, int32.",
  ]);
});

Deno.test("verify() wants every input needed", () => {
  const { graph } = wellFormed();
  graph.input("spare", "int64", ["S"]);
  assert.deepEqual(violations(graph), ['Input "spare" int64[S]: no output needs it.']);
});

Deno.test("verify() wants each symbol to be a dimension of an input", () => {
  const graph = new Graph({ dtype: "float32" });
  const table = graph.input("table", "float32", [4, 2]);
  graph.output("rows", embedding(table, graph.input("ids", "int64", ["S*T"])));
  assert.deepEqual(violations(graph), []);
  graph.output("x", cast(graph.emit("Size", [], { dim: "B" })[0], "float32"));
  graph.output("zeros", graph.emit("Full", [], { value: 0, dtype: "float32", dims: ["S"] })[0]);
  assert.deepEqual(violations(graph), [
    '%Size_1.0[]: no input has a dimension "B", so it has no size.',
    '%Full_3.0[S]: no input has a dimension "S", so it has no size.',
  ]);
});

Deno.test("verify() wants names that can be written", () => {
  const { graph, y } = wellFormed();
  graph.output("%hidden", y);
  assert.deepEqual(violations(graph), ['"%hidden": names with % are for values inside a graph.']);
});

Deno.test("toOnnx() verifies", () => {
  const graph = new Graph({ dtype: "float32" });
  assert.throws(() => toOnnx(graph), new GraphError(["The graph has no outputs."]));
});
