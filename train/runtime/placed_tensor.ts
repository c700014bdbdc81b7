import { elementCount } from "../../core/tensor.ts";

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
