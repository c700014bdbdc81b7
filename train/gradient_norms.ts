import { float32, type Tensor } from "../core/tensor.ts";
import { Graph } from "./graph/graph.ts";
import { concat, mul, reduceSum, reshape } from "./graph/ops.ts";
import { openGraph } from "./graph/open_graph.ts";
import { squaresGraph } from "./optim/adamw.ts";
import type { PlacedState } from "./placed_state.ts";
import type { PreparedRun, Runtime } from "./runtime/open_runtime.ts";

/** Measures L2 norms of what has been gathered. */
export interface GradientNorms {
  /** Of all gradients together. */
  readonly total: () => Promise<number>;
  /** Of each gradient, by the parameter's name. */
  readonly byName: () => Promise<Map<string, number>>;
}

/** How norms are measured. */
export interface NormsOptions {
  /** Elements that one run adds up at most. */
  readonly piece: number;
  /** Told of what is to be given back. */
  readonly opened: AsyncDisposableStack;
}

/** On the CPU: piece by piece, each small enough for the processor's cache. */
export async function normsByPiece(
  runtime: Runtime,
  { blocks }: Pick<PlacedState, "blocks">,
  { piece, opened }: NormsOptions,
): Promise<GradientNorms> {
  const session = await openGraph(runtime, squaresGraph());
  opened.defer(() => session.release());
  const runs: { name: string; measure: PreparedRun; squares: Tensor<"float32"> }[] = [];
  for (const { name, elements, size } of blocks) {
    for (let start = 0; start < size; start += piece) {
      const x = opened.use(elements.piece(start, Math.min(piece, size - start)));
      const squares = float32([1], new Float32Array(1));
      const measure = session.prepare({ x }, { into: { squares }, blocking: true });
      runs.push({ name: name!, measure, squares });
    }
  }
  const byName = async () => {
    const sums = new Map<string, number>();
    for (const { name, measure, squares } of runs) {
      await measure.run();
      sums.set(name, (sums.get(name) ?? 0) + squares.data[0]);
    }
    return new Map([...sums].map(([name, sum]) => [name, Math.sqrt(sum)]));
  };
  const total = async () => rootOfSquares([...(await byName()).values()]);
  return { total, byName };
}

/**
 * On a GPU: all in one run, which alone is waited for. Each gradient by itself, in many more nodes, is
 * measured only when asked for.
 */
export async function normsOfAll(
  runtime: Runtime,
  { tensors, blocks }: PlacedState,
  { piece, opened }: NormsOptions,
): Promise<GradientNorms> {
  const pieces = blocks.flatMap(({ elements, size }, block) =>
    Array.from({ length: Math.ceil(size / piece) }, (_, i) => {
      const start = i * piece;
      const part = opened.use(elements.piece(start, Math.min(piece, size - start)));
      return [`${block}/${i}`, part] as const;
    })
  );
  const all = await prepareNorms(runtime, new Map(pieces), opened);
  return {
    total: async () => rootOfSquares([...(await all()).values()]),
    byName: async () => {
      await using once = new AsyncDisposableStack();
      return await (await prepareNorms(runtime, tensors, once))();
    },
  };
}

async function prepareNorms(
  runtime: Runtime,
  tensors: PlacedState["tensors"],
  opened: AsyncDisposableStack,
): Promise<() => Promise<Map<string, number>>> {
  const session = await openGraph(runtime, squaresOfAllGraph(tensors));
  opened.defer(() => session.release());
  const squares = float32([tensors.size], new Float32Array(tensors.size));
  const measure = session.prepare(Object.fromEntries(tensors), { into: { squares } });
  return async () => {
    await measure.run();
    return new Map([...tensors.keys()].map((name, i) => [name, Math.sqrt(squares.data[i])]));
  };
}

/** The L2 norm of what has these norms. */
export function rootOfSquares(norms: readonly number[]): number {
  return Math.sqrt(norms.reduce((sum, norm) => sum + norm * norm, 0));
}

/** Σ x² of each input, in the order of their names: `squares` (count). */
export function squaresOfAllGraph(
  tensors: ReadonlyMap<string, { readonly dims: readonly number[] }>,
): Graph {
  const graph = new Graph({ dtype: "float32" });
  const sums = [...tensors].map(([name, { dims }]) => {
    const x = graph.input(name, "float32", dims);
    return reshape(reduceSum(mul(x, x)), [1]);
  });
  graph.output("squares", concat(sums, 0));
  return graph;
}
