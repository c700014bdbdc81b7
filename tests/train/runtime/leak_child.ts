/**
 * Runs in every way there is, in a process of its own whose memory nothing else changes; prints the
 * handles that were not given back, and resident memory after each of 20 rounds, as JSON.
 */
import assert from "node:assert/strict";
import { float32 } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add, mul, reduceSum } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import { liveHandles } from "../../../train/runtime/handles.ts";
import {
  type NamedTensors,
  openRuntime,
  type Session,
} from "../../../train/runtime/open_runtime.ts";

/** next = state + x, total = Σ next. */
function model(): Uint8Array {
  const graph = new Graph({ dtype: "float32" });
  const next = add(
    graph.input("state", "float32", ["N"]),
    mul(graph.input("x", "float32", ["N"]), 1),
  );
  graph.output("next", next);
  graph.output("total", reduceSum(next));
  return toOnnx(graph);
}

interface Run {
  readonly feeds: NamedTensors;
  readonly into: NamedTensors;
}

const inPlace = ["next"];

async function runPrepared(session: Session, { feeds, into }: Run, blocking: boolean) {
  using prepared = session.prepare(feeds, { into, inPlace, blocking });
  await prepared.run();
  await prepared.run();
}

/** One run in each way. */
const WAYS: readonly ((session: Session, run: Run) => Promise<unknown>)[] = [
  (session, { feeds, into }) => session.run(feeds, { into, inPlace }),
  async (session, { feeds }) => {
    const { next, total } = await session.run(feeds);
    assert.deepEqual([next.data[1], total.data[0]], [3, 3 * next.data.length]);
  },
  (session, run) => runPrepared(session, run, false),
  (session, run) => runPrepared(session, run, true),
  (session, { feeds }) =>
    assert.rejects(session.run({ ...feeds, x: float32([3], new Float32Array(3)) })),
];

/** 20 kB a tensor. */
const SIZE = 5000;

const runtime = await openRuntime({ threads: 1, implementation: "ffi" });
const x = float32([SIZE], new Float32Array(SIZE).fill(1));
const memory: number[] = [];
for (let round = 0; round < 20; round++) {
  const session = await runtime.session(model());
  for (let i = 0; i < 50; i++) {
    for (const run of WAYS) {
      using state = runtime.place(float32([SIZE], new Float32Array(SIZE).fill(2)));
      const into = { next: state, total: float32([], new Float32Array(1)) };
      await run(session, { feeds: { x, state }, into });
    }
  }
  await session.release();
  await assert.rejects(runtime.session(Uint8Array.of(1, 2, 3)));
  memory.push(Deno.memoryUsage().rss);
}
await Deno.stdout.write(
  new TextEncoder().encode(JSON.stringify({ handles: liveHandles(), memory })),
);
