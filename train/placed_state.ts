import { elementCount, type Tensor } from "../core/tensor.ts";
import type { Precision } from "./precision.ts";
import type { PlacedTensor, Runtime } from "./runtime/open_runtime.ts";
import { PlacedOnHost } from "./runtime/placed_on_host.ts";

/** Tensors of the same names as the weights that are trained, where sessions compute. */
export interface PlacedState<D extends Precision = "float32"> {
  readonly tensors: ReadonlyMap<string, PlacedTensor<D>>;
  /** All their elements, in pieces of memory that each lie in one: what needs no shapes is done by block. */
  readonly blocks: readonly Block<D>[];
  /** Elements of a tensor's block that lie before it. */
  readonly starts: ReadonlyMap<string, number>;
}

/** Elements in one piece of memory. */
export interface Block<D extends Precision = "float32"> {
  readonly elements: PlacedTensor<D>;
  readonly size: number;
  /** The tensor that it is; null where it is all of them. */
  readonly name: string | null;
}

/** Shapes by name. */
type Shapes = ReadonlyMap<string, { readonly dims: readonly number[] }>;

/**
 * Places weights, or moments: on the CPU the arrays themselves, which are live from then on, on a GPU
 * copies, one after the other in one piece of memory.
 *
 * @param stack is told of what is to be given back
 */
export function placeState<D extends Precision>(
  runtime: Runtime,
  weights: ReadonlyMap<string, Tensor<D>>,
  stack: AsyncDisposableStack,
): PlacedState<D> {
  if (isOnHost(runtime)) {
    return separate(
      new Map([...weights].map(([name, tensor]) => [name, stack.use(runtime.place(tensor))])),
    );
  }
  const [{ dtype }] = weights.values();
  const state = side(runtime, weights, { dtype, stack });
  for (const [name, { data }] of weights) state.tensors.get(name)!.write(data);
  return state;
}

/** The arrays themselves, which are live from then on, although sessions compute on a GPU. */
export function keepOnHost<D extends Precision>(
  tensors: ReadonlyMap<string, Tensor<D>>,
  stack: AsyncDisposableStack,
): PlacedState<D> {
  return separate(
    new Map([...tensors].map(([name, tensor]) => [name, stack.use(new PlacedOnHost(tensor))])),
  );
}

/** Places zeros of the weights' shapes. */
export function placeZeros(
  runtime: Runtime,
  weights: Shapes,
  stack: AsyncDisposableStack,
): PlacedState {
  if (!isOnHost(runtime)) return side(runtime, weights, { dtype: "float32", stack });
  return separate(
    new Map([...weights].map(([name, { dims }]) => [
      name,
      stack.use(runtime.zeros("float32", dims)),
    ])),
  );
}

/** Whether placed tensors are host arrays. */
export function isOnHost({ options: { device = "cpu" } }: Pick<Runtime, "options">): boolean {
  return device === "cpu";
}

/** The values, live on the CPU, as copies from a GPU. */
export async function readState<D extends Precision>(
  { tensors }: PlacedState<D>,
): Promise<Map<string, Tensor<D>>> {
  const values = new Map<string, Tensor<D>>();
  for (const [name, tensor] of tensors) values.set(name, await tensor.read());
  return values;
}

function separate<D extends Precision>(tensors: PlacedState<D>["tensors"]): PlacedState<D> {
  const blocks = [...tensors].map(([name, elements]) => ({
    elements,
    size: elementCount(elements.dims),
    name,
  }));
  return { tensors, blocks, starts: new Map(blocks.map(({ name }) => [name, 0])) };
}

/** All side by side in one block of zeros. */
function side<D extends Precision>(
  runtime: Runtime,
  weights: Shapes,
  { dtype, stack }: { readonly dtype: D; readonly stack: AsyncDisposableStack },
): PlacedState<D> {
  const size = [...weights.values()].reduce((sum, { dims }) => sum + roomOf(dims), 0);
  const elements = stack.use(runtime.zeros(dtype, [size]));
  const tensors = new Map<string, PlacedTensor<D>>();
  const starts = new Map<string, number>();
  let start = 0;
  for (const [name, { dims }] of weights) {
    tensors.set(name, stack.use(elements.piece(start, elementCount(dims), dims)));
    starts.set(name, start);
    start += roomOf(dims);
  }
  return { tensors, blocks: [{ elements, size, name: null }], starts };
}

/** Elements from one tensor's beginning to the next: kernels want operands at multiples of 256 bytes. */
function roomOf(dims: readonly number[]): number {
  return Math.ceil(elementCount(dims) / 64) * 64;
}
