import assert from "node:assert/strict";
import { float32, type Tensor } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add, mul, reduceSum, sub } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type {
  PlacedTensor,
  PrepareRequest,
  Runtime,
  Session,
} from "../../../train/runtime/open_runtime.ts";

type Register = (name: string, body: (runtime: Runtime) => Promise<void>) => void;

/** The part of the contract about state: tensors placed, overwritten in place, and prepared runs. */
export function testState(
  test: Register,
  { onDevice }: { readonly onDevice: boolean },
): void {
  testPlaced(test, onDevice);
  testInPlace(test);
  testPrepared(test, onDevice);
}

function testPlaced(test: Register, onDevice: boolean): void {
  test(`places a tensor, and reads ${onDevice ? "a copy" : "it live"}`, async (runtime) => {
    const data = Float32Array.of(1, 2);
    using placed = runtime.place(float32([2], data));
    assert.deepEqual([placed.dtype, placed.dims], ["float32", [2]]);
    data[0] = 5;
    assert.deepEqual(await placed.read(), vector(onDevice ? 1 : 5, 2));
  });

  test("writes a placed tensor, clears it, and makes one of zeros", async (runtime) => {
    using placed = runtime.place(vector(1, 2));
    placed.write(Float32Array.of(3, 4));
    assert.deepEqual(await placed.read(), vector(3, 4));
    placed.clear();
    assert.deepEqual(await placed.read(), vector(0, 0));
    assert.throws(
      () => placed.write(Float32Array.of(1)),
      new RangeError("Expected 2 elements for shape [2] but found 1."),
    );
    using zeros = runtime.zeros("int64", [2, 1]);
    zeros.piece(1, 1).write(BigInt64Array.of(-7n));
    const data = BigInt64Array.of(0n, -7n);
    assert.deepEqual(await zeros.read(), { dtype: "int64", dims: [2, 1], data });
    zeros.clear();
    assert.deepEqual((await zeros.read()).data, new BigInt64Array(2));
  });

  test("copies a placed tensor over another of its size and type", async (runtime) => {
    using source = runtime.place(vector(1, 2, 3, 4));
    using target = runtime.zeros("float32", [2, 4]);
    using piece = target.piece(2, 4, [2, 2]);
    piece.copyFrom(source);
    source.clear();
    assert.deepEqual(await target.read(), float32([2, 4], Float32Array.of(0, 0, 1, 2, 3, 4, 0, 0)));
    using nothing = target.piece(0, 0);
    nothing.copyFrom(source.piece(0, 0));
    assert.throws(
      () => target.copyFrom(source),
      new RangeError("Expected 8 elements for shape [2, 4] but found 4."),
    );
    using other: PlacedTensor = runtime.zeros("int32", [4]);
    assert.throws(
      () => (source as PlacedTensor).copyFrom(other),
      new RangeError("Expected values of float32 but found int32."),
    );
    source.release();
    assert.throws(
      () => piece.copyFrom(source),
      new RangeError("The tensor has been released."),
    );
  });

  test("gives a piece the shape asked for", async (runtime) => {
    using whole = runtime.place(vector(0, 1, 2, 3, 4, 5));
    using piece = whole.piece(2, 4, [2, 2]);
    assert.deepEqual(await piece.read(), float32([2, 2], Float32Array.of(2, 3, 4, 5)));
    assert.throws(
      () => whole.piece(2, 4, [3]),
      new RangeError("Expected 3 elements for shape [3] but found 4."),
    );
  });

  test("feeds placed tensors and writes into them", async (runtime) => {
    using state = new State(runtime);
    await withSession(runtime, async (session) => {
      using nextP = runtime.place(vector(0, 0));
      using nextM = runtime.place(vector(0, 0));
      const results = await session.run(state.feeds(), { into: { nextP, nextM } });
      assert.deepEqual(results, { norm: scalar(4) });
      assert.deepEqual(await nextM.read(), vector(1, 3));
      assert.deepEqual(await nextP.read(), vector(9, 17));
    });
  });

  test("cuts pieces that share the memory of the whole, and outlive it", async (runtime) => {
    const whole = runtime.place(float32([2, 3], Float32Array.of(0, 1, 2, 3, 4, 5)));
    using piece = whole.piece(1, 4);
    using inner = piece.piece(3, 1);
    assert.deepEqual(piece.dims, [4]);
    whole.piece(4, 1).write(Float32Array.of(9));
    whole.release();
    assert.deepEqual(await piece.read(), vector(1, 2, 3, 9));
    assert.deepEqual(await inner.read(), vector(9));
    for (const [start, count] of [[-1, 2], [3, 2], [0.5, 1], [0, -1]]) {
      assert.throws(
        () => piece.piece(start, count),
        new RangeError(`Expected a piece of 4 elements but found ${count} from ${start}.`),
      );
    }
  });

  test("refuses placed tensors after their release", async (runtime) => {
    const state = new State(runtime);
    state.m.release();
    state.m.release();
    const error = new RangeError("The tensor has been released.");
    await assert.rejects(state.m.read(), error);
    assert.throws(() => state.m.piece(0, 1), error);
    await withSession(runtime, async (session) => {
      await assert.rejects(
        session.run(state.feeds()),
        new RangeError('"m": the tensor has been released.'),
      );
    });
  });

  test("refuses to place data that does not fill its shape", (runtime) => {
    assert.throws(
      () => runtime.place({ dtype: "float32", dims: [3], data: new Float32Array(2) }),
      new RangeError("Expected 3 elements for shape [3] but found 2."),
    );
    return Promise.resolve();
  });
}

function testInPlace(test: Register): void {
  test("overwrites the state that it reads where that is asked for", async (runtime) => {
    using state = new State(runtime);
    await withSession(runtime, async (session) => {
      const request = { into: state.into(), inPlace: ["nextP", "nextM"], fetches: [] };
      for (let step = 0; step < 3; step++) await session.run(state.feeds(), request);
      assert.deepEqual((await state.m.read()).data, Float32Array.of(1.75, 5.25));
      assert.deepEqual((await state.p.read()).data, Float32Array.of(5.75, 7.25));
    });
  });

  test("overwrites pieces of one buffer, and host tensors too", async (runtime) => {
    await withSession(runtime, async (session) => {
      using flat = runtime.place(vector(10, 20, 0, 0));
      using p = flat.piece(0, 2);
      using m = flat.piece(2, 2);
      const inPlace = ["nextP", "nextM"];
      const g = vector(1, 3);
      await session.run({ p, m, g }, { into: { nextP: p, nextM: m }, inPlace });
      assert.deepEqual(await flat.read(), vector(9, 17, 1, 3));
      const data = Float32Array.of(9, 17);
      const into = { nextP: float32([2], data), nextM: m };
      const results = await session.run({ p: float32([2], data), m, g }, { into, inPlace });
      assert.equal(results.nextP, into.nextP);
      assert.deepEqual(data, Float32Array.of(7.5, 12.5));
      assert.deepEqual(await flat.read(), vector(9, 17, 1.5, 4.5));
    });
  });

  const refuses = (what: string, ask: (state: State) => PrepareRequest, message: string) =>
    test(`refuses ${what}`, async (runtime) => {
      using state = new State(runtime);
      await withSession(runtime, async (session) => {
        await assert.rejects(session.run(state.feeds(), ask(state)), new RangeError(message));
        assert.throws(() => session.prepare(state.feeds(), ask(state)), new RangeError(message));
      });
    });
  refuses(
    "to overwrite what it was not asked to",
    (state) => ({ into: state.into(), inPlace: ["nextM"] }),
    'Expected output "nextP" in a tensor of its own, not that of "p".',
  );
  refuses(
    "an unknown output in place",
    ({ p }) => ({ into: { nextP: p }, inPlace: ["nextP", "gone"] }),
    'Expected outputs among "nextP", "nextM", "norm" but found "gone".',
  );
  refuses(
    "an output in place of nothing",
    ({ p }) => ({ into: { nextP: p }, inPlace: ["nextP", "nextM"] }),
    'Expected output "nextM", in place, to have a tensor in into.',
  );
  refuses(
    "an output in place of no input",
    () => ({ into: { nextP: vector(0, 0) }, inPlace: ["nextP"] }),
    'Expected output "nextP", in place, in just the tensor of an input.',
  );
  refuses(
    "two outputs in place of one input",
    ({ p }) => ({ into: { nextP: p, nextM: p }, inPlace: ["nextP", "nextM"] }),
    'Expected output "nextM", in place, in just the tensor of an input.',
  );
}

function testPrepared(test: Register, onDevice: boolean): void {
  for (const blocking of [false, true]) {
    test(`prepares a run to be repeated, ${blocking ? "" : "not "}blocking`, async (runtime) => {
      using state = new State(runtime);
      await withSession(runtime, async (session) => {
        const norm = scalar(0);
        const into = { ...state.into(), norm };
        const inPlace = ["nextP", "nextM"];
        using prepared = session.prepare(state.feeds(), { into, inPlace, blocking });
        for (let step = 0; step < 2; step++) await prepared.run();
        assert.deepEqual(await state.m.read(), vector(1.5, 4.5));
        assert.deepEqual(await state.p.read(), vector(7.5, 12.5));
        assert.deepEqual(norm, scalar(6));
        state.m.clear();
        await prepared.run();
        assert.deepEqual(norm, scalar(4));
      });
    });
  }

  test("reads at each prepared run what its host tensors hold by then", async (runtime) => {
    await withSession(runtime, async (session) => {
      const g = vector(1, 3);
      const norm = scalar(0);
      const feeds = { p: vector(10, 20), m: vector(0, 0), g };
      using prepared = session.prepare(feeds, { into: { norm } });
      await prepared.run();
      assert.deepEqual(norm, scalar(4));
      g.data[0] = 2;
      await prepared.run();
      assert.deepEqual(norm, scalar(5));
    });
  });

  test("refuses to prepare what it would have to allocate", async (runtime) => {
    using state = new State(runtime);
    await withSession(runtime, async (session) => {
      const request = { into: state.into(), inPlace: ["nextP", "nextM"], fetches: ["norm"] };
      assert.throws(
        () => session.prepare(state.feeds(), request),
        new RangeError(
          'Expected a tensor to write into for each output but found none for "norm".',
        ),
      );
      await Promise.resolve();
    });
  });

  test("fails a prepared run with ONNX Runtime's text, and runs it again", async (runtime) => {
    await withSession(runtime, async (session) => {
      const feeds = { p: vector(1, 2), m: vector(1, 2, 3), g: vector(1, 2) };
      const prepared = session.prepare(feeds, { into: { norm: scalar(0) } });
      for (let time = 0; time < 2; time++) {
        await assert.rejects(prepared.run(), {
          message: onDevice ? /\{3\}.*\{2\}|\{2\}.*\{3\}/s : /3 by 2|2 by 3/,
        });
      }
      prepared.release();
    });
  });

  test("refuses a prepared run when what it needs has been released", async (runtime) => {
    using state = new State(runtime);
    const session = await runtime.session(momentum());
    const request = { into: state.into(), inPlace: ["nextP", "nextM"] };
    const [first, second, third] = [1, 2, 3].map(() => session.prepare(state.feeds(), request));
    first.release();
    first.release();
    await assert.rejects(first.run(), new RangeError("The prepared run has been released."));
    await second.run();
    state.m.release();
    await assert.rejects(second.run(), new RangeError('"m": the tensor has been released.'));
    await session.release();
    await assert.rejects(third.run(), new RangeError("The session has been released."));
    assert.throws(
      () => session.prepare(state.feeds(), request),
      new RangeError("The session has been released."),
    );
    third.release();
  });

  test("ends runs under way before a release takes effect", async (runtime) => {
    using state = new State(runtime);
    const session = await runtime.session(momentum());
    const norm = scalar(0);
    const prepared = session.prepare(state.feeds(), { into: { norm } });
    const runs = [session.run(state.feeds(), { fetches: ["norm"] }), prepared.run()];
    await assert.rejects(prepared.run(), new RangeError("The prepared run is under way."));
    prepared.release();
    const released = session.release();
    await assert.rejects(
      session.run(state.feeds()),
      new RangeError("The session has been released."),
    );
    assert.deepEqual((await Promise.all(runs))[0], { norm: scalar(4) });
    await released;
    assert.deepEqual(norm, scalar(4));
  });
}

/** m' = m/2 + g, p' = p − m', Σ m'. */
function momentum(): Uint8Array {
  const graph = new Graph({ dtype: "float32" });
  const [p, m, g] = ["p", "m", "g"].map((name) => graph.input(name, "float32", ["N"]));
  const nextM = add(mul(m, 0.5), g);
  graph.output("nextP", sub(p, nextM));
  graph.output("nextM", nextM);
  graph.output("norm", reduceSum(nextM));
  return toOnnx(graph);
}

/** Placed state of the model above. */
class State implements Disposable {
  readonly p;
  readonly m;

  constructor(runtime: Runtime) {
    this.p = runtime.place(vector(10, 20));
    this.m = runtime.place(vector(0, 0));
  }

  feeds() {
    return { p: this.p, m: this.m, g: vector(1, 3) };
  }

  into() {
    return { nextP: this.p, nextM: this.m };
  }

  [Symbol.dispose](): void {
    this.p.release();
    this.m.release();
  }
}

async function withSession(
  runtime: Runtime,
  body: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await runtime.session(momentum());
  try {
    await body(session);
  } finally {
    await session.release();
  }
}

function vector(...values: number[]): Tensor<"float32"> {
  return float32([values.length], Float32Array.from(values));
}

function scalar(value: number): Tensor<"float32"> {
  return float32([], Float32Array.of(value));
}
