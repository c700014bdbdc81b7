import assert from "node:assert/strict";
import { type Dtype, ELEMENT_BYTES } from "../../../core/tensor.ts";
import { executionOrder, runMemory } from "../../../train/costs/run_memory.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add, exp, mul, reduceSum, relu, split, transpose } from "../../../train/graph/ops.ts";
import type { Value } from "../../../train/graph/value.ts";

const none = { sizes: new Map<string, number>(), placed: new Set<never>() };

function square() {
  const graph = new Graph({ dtype: "float32" });
  return { graph, x: graph.input("x", "float32", ["S", "S"]) };
}

Deno.test("runMemory() holds a tensor until the last node that reads it, and no input", () => {
  const { graph, x } = square();
  const first = transpose(x, [1, 0]); // S²
  const second = transpose(first, [1, 0]); // S², while first is there
  graph.output("sum", reduceSum(mul(second, x))); // over second: nothing reads it any more
  const { bytes, nodes } = runMemory(graph, { ...none, sizes: new Map([["S", 10]]) });
  assert.equal(bytes, 2 * 400);
  assert.equal(nodes, 4);
});

Deno.test("runMemory() writes over an operand only where nothing else reads it", () => {
  const chain = square();
  chain.graph.output("y", exp(relu(transpose(chain.x, [1, 0]))));
  const sizes = new Map([["S", 10]]);
  assert.equal(runMemory(chain.graph, { ...none, sizes }).bytes, 400);
  const fork = square();
  const shared = transpose(fork.x, [1, 0]);
  fork.graph.output("y", add(exp(shared), shared));
  assert.equal(runMemory(fork.graph, { ...none, sizes }).bytes, 800);
});

Deno.test("runMemory() keeps what was freed for a later tensor of the same shape, and for no other", () => {
  /** Two that are done with before a large one is there; what is made of the third fits where they were, or not. */
  const of = (third: "same shape" | "other shape") => {
    const graph = new Graph({ dtype: "float32" });
    const small = graph.input("small", "float32", [10, 10]);
    const large = graph.input("large", "float32", [50, 10]);
    const first = reduceSum(transpose(small, [1, 0])); // 400 bytes, then 4
    const second = reduceSum(mul(large, first)); // 2,000 bytes, then 4
    const last = third === "same shape" ? small : graph.input("other", "float32", [10, 8]);
    graph.output("sum", reduceSum(transpose(mul(last, second), [1, 0])));
    return runMemory(graph, none).bytes;
  };
  // The first's 400 bytes are held while the large one is there.
  assert.equal(of("same shape") - of("other shape"), 400);
});

Deno.test("runMemory() tells what is held where small tensors' memory is kept and large ones' is not", () => {
  const graph = new Graph({ dtype: "float32" });
  const side = 4096; // 64 MiB
  const small = graph.input("small", "float32", [100, 100]);
  const sum = reduceSum(transpose(small, [1, 0])); // 40,000 bytes, then 4
  const large = graph.input("large", "float32", [side, side]);
  const freed = reduceSum(transpose(mul(large, sum), [1, 0])); // twice 64 MiB, after the small one
  graph.output("sum", transpose(freed, []));
  const { bytes, keptBytes } = runMemory(graph, none);
  assert.deepEqual([bytes, keptBytes - bytes], [2 * 4 * side ** 2 + 4, 40_000]);
});

Deno.test("runMemory() lets go at once of an output that nothing reads", () => {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "float32", [10, 10]);
  const whole = transpose(x, [1, 0]);
  graph.output("sum", reduceSum(mul(whole, whole)));
  const halves = split(x, { axis: 0, sizes: [5, 5] }); // 200 bytes each
  graph.output("half", halves[0]);
  // One half, what is transposed and its square; before that there were both halves.
  assert.equal(runMemory(graph, none).bytes, 200 + 400 + 400);
});

Deno.test("runMemory() counts nothing for outputs that are placed", () => {
  const { graph, x } = square();
  const next = transpose(x, [1, 0]);
  graph.output("next", next);
  const sizes = new Map([["S", 10]]);
  assert.equal(runMemory(graph, { sizes, placed: new Set([next]) }).bytes, 0);
});

Deno.test("runMemory() counts what the kernel of fused attention holds while it computes", () => {
  /** Beside the result: 6 queries of 4 heads over 8 keys. */
  const beside = (dtype: Dtype, { groups, width }: { groups: number; width: number }) => {
    const graph = new Graph({ dtype: "float32" });
    const q = graph.input("q", dtype, [1, 4, 6, width]);
    const [k, v] = ["k", "v"].map((name) => graph.input(name, dtype, [1, groups, 8, width]));
    const mask = graph.input("mask", dtype, [1, 1, 6, 8]);
    graph.output("y", graph.emit("FusedAttention", [q, k, v, mask], { scale: 1 })[0]);
    return runMemory(graph, none).bytes - ELEMENT_BYTES[dtype] * 4 * 6 * width;
  };
  const moved = 2 * 4 * 6 * 16; // elements of queries and of what is mixed
  const repeated = 2 * 4 * 8 * 16; // of keys and values
  assert.equal(beside("bfloat16", { groups: 4, width: 16 }), 2 * moved);
  assert.equal(beside("bfloat16", { groups: 2, width: 16 }), 2 * (moved + repeated));
  assert.equal(beside("float32", { groups: 4, width: 16 }), 4 * moved);
  const scores = 2 * 4 * 4 * 6 * 8; // bytes of scores and probabilities, both float32
  assert.equal(beside("float32", { groups: 2, width: 16 }), scores);
  assert.equal(beside("float16", { groups: 2, width: 12 }), scores);
  // Wide heads are summed up in float32.
  const wide = 2 * 10 * (moved + repeated) + 4 * 4 * 6 * 160;
  assert.equal(beside("float16", { groups: 2, width: 160 }), wide);
});

Deno.test("runMemory() of a GPU is what its arena grows to, where activations alone are written over", () => {
  const MIB = 1 << 20;
  const on = (ops: readonly ((x: Value) => Value)[], side: number) => {
    const { graph, x } = square();
    graph.output("y", ops.reduce((value, op) => op(value), transpose(x, [1, 0])));
    const sizes = new Map([["S", side]]);
    return (["cpu", "cuda"] as const).map((device) =>
      runMemory(graph, { ...none, sizes, device }).bytes
    );
  };
  assert.deepEqual(on([relu, relu], 1024), [4 * MIB, 4 * MIB]);
  // A region that was made larger has one as large after it; what was read first is free for the third.
  assert.deepEqual(on([exp, exp], 1024), [4 * MIB, 2 * 4 * MIB]);
  assert.deepEqual(on([], 10), [400, MIB], "the first region");
});

Deno.test("runMemory() of a GPU counts what was freed and is too small for what follows", () => {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "float32", [1024, 1024]); // 4 MiB
  const sum = reduceSum(transpose(x, [1, 0]), { axes: [0], keepDims: true });
  graph.output("y", transpose(mul(graph.input("z", "float32", [2048, 1024]), sum), [1, 0])); // 8 MiB each
  const [held, arena] = (["cpu", "cuda"] as const).map((device) =>
    runMemory(graph, { ...none, device }).bytes / (1 << 20)
  );
  assert.equal(held, 2 * 8);
  assert.equal(arena, 4 + 4 + 8 + 16, "the sum lies in a region of its own");
});

Deno.test("runMemory() wants a size of every symbol", () => {
  const { graph, x } = square();
  graph.output("y", transpose(x, [1, 0]));
  assert.throws(() => runMemory(graph, none), /Expected a size of S/);
});

Deno.test("executionOrder() computes a node just before the first that needs it", () => {
  const { graph, x } = square();
  const early = exp(x);
  const late = relu(x);
  graph.output("a", reduceSum(late));
  graph.output("b", reduceSum(early));
  const ops = executionOrder(graph.nodes).map(({ op }) => op);
  assert.deepEqual(ops, ["Exp", "ReduceSum", "Relu", "ReduceSum"], "the last output first");
});
