import assert from "node:assert/strict";
import { type Dtype, float32, int64, type Tensor } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add, linear, mul, reduceSum } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Runtime, RuntimeOptions, Session } from "../../../train/runtime/open_runtime.ts";
import { testState } from "./contract_state.ts";

/** What an implementation promises beside the interface. */
export interface ContractOptions {
  readonly open: (options: RuntimeOptions) => Runtime | Promise<Runtime>;
  /** Whether it carries float16 and bfloat16, as raw bits; it refuses them otherwise. */
  readonly halves: boolean;
  /** Whether placed tensors are copies on a device, whose kernels also word their errors otherwise. */
  readonly onDevice?: boolean;
  /** This process cannot use it: its tests are listed as ignored. */
  readonly ignore?: boolean;
}

/** Registers the tests that every runtime passes. */
export function testRuntime(label: string, options: ContractOptions): void {
  const { open, halves, onDevice = false, ignore = false } = options;
  const register = (name: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${label} ${name}`, ignore, fn });
  const test = (name: string, body: (runtime: Runtime) => Promise<void>) =>
    register(name, async () => await body(await open({ threads: 1 })));
  testState(test, { onDevice });

  test("says what it is", (runtime) => {
    assert.match(runtime.name, /^[a-z-]+$/);
    assert.match(runtime.version, /^\d+\.\d+\.\d+/);
    assert.equal(runtime.options.threads, 1);
    return Promise.resolve();
  });

  test("names inputs and outputs in the order they were declared", async (runtime) => {
    await using(runtime, async (session) => {
      assert.deepEqual(session.inputs, ["x", "state"]);
      assert.deepEqual(session.outputs, ["next", "total"]);
      await Promise.resolve();
    });
  });

  test("returns every output, or those fetched", async (runtime) => {
    await using(runtime, async (session) => {
      const all = await session.run(feeds([1, 2], [10, 20]));
      assert.deepEqual(all, { next: vector([11, 22]), total: scalar(33) });
      const some = await session.run(feeds([1, 2], [10, 20]), { fetches: ["total"] });
      assert.deepEqual(some, { total: scalar(33) });
    });
  });

  test("runs one session on shapes of every size, none included", async (runtime) => {
    await using(runtime, async (session) => {
      // A GPU refuses to sum over nothing; training never asks it to.
      for (const n of onDevice ? [3, 1, 5] : [3, 1, 0, 5]) {
        const x = Array.from({ length: n }, (_, i) => i);
        const { next, total } = await session.run(feeds(x, x));
        assert.deepEqual(next, vector(x.map((value) => 2 * value)));
        assert.deepEqual(total, scalar(x.reduce((sum, value) => sum + 2 * value, 0)));
      }
    });
  });

  test("writes outputs into tensors given, and returns those", async (runtime) => {
    await using(runtime, async (session) => {
      const next = vector([0, 0]);
      const results = await session.run(feeds([1, 2], [10, 20]), { into: { next } });
      assert.equal(results.next, next);
      assert.deepEqual(results, { next: vector([11, 22]), total: scalar(33) });
    });
  });

  test("lets state alternate between two buffers", async (runtime) => {
    await using(runtime, async (session) => {
      let [state, spare] = [vector([0, 0]), vector([0, 0])];
      for (let step = 0; step < 5; step++) {
        const request = { fetches: [], into: { next: spare } };
        await session.run({ x: vector([1, 2]), state }, request);
        [state, spare] = [spare, state];
      }
      assert.deepEqual(state, vector([5, 10]));
      assert.deepEqual(spare, vector([4, 8]));
    });
  });

  test("carries every dtype it computes in unchanged", async (runtime) => {
    const tensors: readonly Tensor[] = [
      float32([2], Float32Array.of(1.5, -0)),
      { dtype: "float64", dims: [1], data: Float64Array.of(1 / 3) },
      { dtype: "int64", dims: [2], data: BigInt64Array.of(2n ** 62n, -1n) },
      { dtype: "int32", dims: [1, 1], data: Int32Array.of(-7) },
      { dtype: "uint8", dims: [], data: Uint8Array.of(255) },
      { dtype: "bool", dims: [2], data: Uint8Array.of(1, 0) },
    ];
    // Subnormal, normal, and two NaNs, which a GPU's kernels may give as any other NaN.
    const bits = Uint16Array.of(0x0001, 0x3c01, ...(onDevice ? [] : [0x7e2a, 0xffff]));
    const sixteen: readonly Tensor[] = [
      { dtype: "float16", dims: [bits.length / 2, 2], data: bits },
      { dtype: "bfloat16", dims: [bits.length], data: bits },
    ];
    for (const tensor of [...tensors, ...(halves ? sixteen : [])]) {
      const graph = new Graph({ dtype: "float32" });
      graph.output("y", graph.input("x", tensor.dtype, tensor.dims));
      const session = await runtime.session(toOnnx(graph));
      assert.deepEqual(await session.run({ x: tensor }), { y: tensor });
      await session.release();
    }
  });

  test("keeps sessions apart", async (runtime) => {
    await using(runtime, async (first) => {
      await using(runtime, async (second) => {
        const results = await Promise.all([
          first.run(feeds([1], [2]), { fetches: ["next"] }),
          second.run(feeds([3], [4]), { fetches: ["next"] }),
        ]);
        assert.deepEqual(results, [{ next: vector([3]) }, { next: vector([7]) }]);
      });
    });
  });

  const refuses = (what: string, run: (session: Session) => Promise<unknown>, error: object) =>
    test(`refuses ${what}, and the session goes on`, async (runtime) => {
      await using(runtime, async (session) => {
        await assert.rejects(run(session), error);
        assert.deepEqual((await session.run(feeds([1], [2]))).next, vector([3]));
      });
    });
  refuses("an unknown input", (session) => session.run({ ...feeds([1], [2]), y: vector([1]) }), {
    name: "RangeError",
    message: 'Expected inputs among "x", "state" but found "y".',
  });
  refuses("a missing input", (session) => session.run({ x: vector([1]) }), {
    name: "RangeError",
    message: 'Expected a feed for each input but found none for "state".',
  });
  refuses(
    "an unknown output",
    (session) => session.run(feeds([1], [2]), { fetches: ["gone"] }),
    { name: "RangeError", message: 'Expected outputs among "next", "total" but found "gone".' },
  );
  refuses("to overwrite what it reads", (session) => {
    const both = feeds([1], [2]);
    return session.run(both, { into: { next: both.state } });
  }, {
    name: "RangeError",
    message: 'Expected output "next" in a tensor of its own, not that of "state".',
  });
  refuses("to overwrite a part of what it reads", (session) => {
    const memory = new Float32Array(3);
    const next = float32([2], memory.subarray(1));
    return session.run({ x: vector([1, 2]), state: float32([2], memory.subarray(0, 2)) }, {
      into: { next },
    });
  }, {
    name: "RangeError",
    message: 'Expected output "next" in a tensor of its own, not that of "state".',
  });
  refuses("data that does not fill its shape", (session) => {
    const x: Tensor = { dtype: "float32", dims: [3], data: new Float32Array(2) };
    return session.run({ x, state: vector([1]) });
  }, { name: "RangeError", message: '"x": expected 3 elements for shape [3] but found 2.' });
  if (!halves) {
    refuses("16-bit floats, which it cannot carry", (session) => {
      const x: Tensor = { dtype: "bfloat16", dims: [1], data: new Uint16Array(1) };
      return session.run({ x, state: vector([1]) });
    }, {
      name: "TypeError",
      message:
        '"x": expected one of float32, float64, int64, int32, uint8, bool but found bfloat16.',
    });
  }

  // From here on the text is ONNX Runtime's own.
  refuses(
    "a wrong dtype",
    (session) => session.run({ x: int64([1], [1]), state: vector([1]) }),
    { message: /Unexpected input data type.*int64.*expected.*float/s },
  );
  refuses(
    "a wrong rank",
    (session) => session.run({ x: scalar(1), state: vector([1]) }),
    { message: /Invalid rank for input: x Got: 0 Expected: 1/ },
  );
  refuses("shapes that do not suit", (session) => session.run(feeds([1, 2], [1, 2, 3])), {
    message: onDevice ? /Add.*\{2\}.*\{3\}/s : /Add.*2 by 3/s,
  });
  refuses(
    "a tensor to write into of another shape",
    (session) => session.run(feeds([1], [2]), { into: { next: vector([0, 0]) } }),
    { message: onDevice ? /size|shape/i : /shape.*\{2\}.*\{1\}|\{1\}.*\{2\}/s },
  );

  test("takes constants with the model, and is not fed them", async (runtime) => {
    const graph = new Graph({ dtype: "float32" });
    const x = graph.input("x", "float32", ["N", 3]);
    graph.output("y", linear(x, graph.input("weight", "float32", [2, 3]))); // (N, 2)
    const weight = float32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
    const model = toOnnx(graph, { constants: new Set(["weight"]) });
    const session = await runtime.session(model, new Map([["weight", weight]]));
    assert.deepEqual(session.inputs, ["x"]);
    for (const [values, expected] of [[[1, 0, 0], [1, 4]], [[1, 1, 1, 0, 0, 2], [6, 15, 6, 12]]]) {
      const { y } = await session.run({
        x: float32([values.length / 3, 3], Float32Array.from(values)),
      });
      assert.deepEqual([...y.data as Float32Array], expected);
    }
    await session.release();
  });

  test("refuses bytes that are no model", async (runtime) => {
    await assert.rejects(runtime.session(Uint8Array.of(1, 2, 3)), { message: /protobuf/i });
  });

  test("can be released twice, and then refuses to run", async (runtime) => {
    const session = await runtime.session(model());
    await session.release();
    await session.release();
    await assert.rejects(
      session.run(feeds([1], [2])),
      new RangeError("The session has been released."),
    );
  });

  register("wants a whole number of threads", async () => {
    for (const threads of [0, 1.5]) {
      await assert.rejects(
        async () => await open({ threads }),
        new RangeError(`Expected threads to be an integer greater than 0 but found ${threads}.`),
      );
    }
  });
}

/** next = state + x, total = Σ next. */
function model(): Uint8Array {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", "float32", ["N"]);
  const next = add(mul(x, 1), graph.input("state", "float32", ["N"]));
  graph.output("next", next);
  graph.output("total", reduceSum(next));
  return toOnnx(graph);
}

async function using(runtime: Runtime, body: (session: Session) => Promise<void>): Promise<void> {
  const session = await runtime.session(model());
  try {
    await body(session);
  } finally {
    await session.release();
  }
}

function feeds(x: readonly number[], state: readonly number[]): Record<string, Tensor<Dtype>> {
  return { x: vector(x), state: vector(state) };
}

function vector(values: readonly number[]): Tensor<"float32"> {
  return float32([values.length], Float32Array.from(values));
}

function scalar(value: number): Tensor<"float32"> {
  return float32([], Float32Array.of(value));
}
