import { elementCount, float32 } from "../core/tensor.ts";
import type { Weights } from "./models/model.ts";
import type { PlacedTensor, Runtime } from "./runtime/open_runtime.ts";

/** Tensors of the same names as the weights that are trained, where sessions compute. */
export interface PlacedState {
  readonly tensors: ReadonlyMap<string, PlacedTensor<"float32">>;
  /** All their elements, in pieces of memory that each lie in one: what needs no shapes is done by block. */
  readonly blocks: readonly Block[];
}

/** Elements in one piece of memory. */
export interface Block {
  readonly elements: PlacedTensor<"float32">;
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
export function placeState(
  runtime: Runtime,
  weights: Weights,
  stack: AsyncDisposableStack,
): PlacedState {
  if (isOnHost(runtime)) {
    return separate(
      new Map([...weights].map(([name, tensor]) => [
        name,
        stack.use(runtime.place(tensor)),
      ])),
    );
  }
  const state = side(runtime, weights, stack);
  for (const [name, { data }] of weights) state.tensors.get(name)!.write(data);
  return state;
}

/** Places zeros of the weights' shapes. */
export function placeZeros(
  runtime: Runtime,
  weights: Shapes,
  stack: AsyncDisposableStack,
): PlacedState {
  if (!isOnHost(runtime)) return side(runtime, weights, stack);
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
export async function readState({ tensors }: PlacedState): Promise<Weights> {
  const weights: Weights = new Map();
  for (const [name, tensor] of tensors) {
    const { dims, data } = await tensor.read();
    weights.set(name, float32(dims, data));
  }
  return weights;
}

function separate(tensors: PlacedState["tensors"]): PlacedState {
  const blocks = [...tensors].map(([name, elements]) => ({
    elements,
    size: elementCount(elements.dims),
    name,
  }));
  return { tensors, blocks };
}

/** All side by side in one block of zeros. */
function side(
  runtime: Runtime,
  weights: Shapes,
  stack: AsyncDisposableStack,
): PlacedState {
  const size = [...weights.values()].reduce((sum, { dims }) => sum + roomOf(dims), 0);
  const elements = stack.use(runtime.zeros("float32", [size]));
  const tensors = new Map<string, PlacedTensor<"float32">>();
  let start = 0;
  for (const [name, { dims }] of weights) {
    tensors.set(name, stack.use(elements.piece(start, elementCount(dims), dims)));
    start += roomOf(dims);
  }
  return { tensors, blocks: [{ elements, size, name: null }] };
}

/** Elements from one tensor's beginning to the next: kernels want operands at multiples of 256 bytes. */
function roomOf(dims: readonly number[]): number {
  return Math.ceil(elementCount(dims) / 64) * 64;
}
