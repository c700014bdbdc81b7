import { type Dtype, elementCount } from "../../core/tensor.ts";

/** @throws RangeError when a number of elements does not fill a shape */
export function requireFilled(dims: readonly number[], length: number): void {
  const size = elementCount(dims);
  if (length === size) return;
  throw new RangeError(
    `Expected ${size} elements for shape [${dims.join(", ")}] but found ${length}.`,
  );
}

/** @throws RangeError when some of a tensor's elements are not all there */
export function requirePiece(
  { start, count }: { readonly start: number; readonly count: number },
  length: number,
): void {
  const inside = Number.isInteger(start) && Number.isInteger(count) && start >= 0 && count >= 0 &&
    start + count <= length;
  if (inside) return;
  throw new RangeError(
    `Expected a piece of ${length} elements but found ${count} from ${start}.`,
  );
}

/** A tensor as far as another one is copied over it. */
interface Copied {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
}

/** @throws RangeError when a tensor's values are none for another one */
export function requireAlike(source: Copied, target: Copied): void {
  requireFilled(target.dims, elementCount(source.dims));
  if (source.dtype === target.dtype) return;
  throw new RangeError(`Expected values of ${target.dtype} but found ${source.dtype}.`);
}
