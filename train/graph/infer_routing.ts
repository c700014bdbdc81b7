import type { OpAttributes } from "./op_types.ts";
import { isFloating, type ValueType } from "./value.ts";

/** Throws RangeError with op and all input types unless the condition holds. */
export type Expect = (condition: boolean, message: string) => asserts condition;

/** Types out of a route: sources (R, W) each, as many indices (…) as there are targets, for each source an inverse (R, copies). */
export function route(
  inputs: readonly ValueType[],
  { sources: count, targets }: OpAttributes["Route"],
  expect: Expect,
) {
  const sources = expectRows(inputs.slice(0, count), expect);
  const indices = inputs.slice(count, count + targets);
  const inverses = inputs.slice(count + targets);
  for (const index of [...indices, ...inverses]) expectIndices(index, expect);
  expect(
    inverses.length === 0 || inverses.length === count &&
        inverses.every(({ dims }, i) => dims.length === 2 && dims[0] === sources[i].dims[0]),
    "an inverse (R, copies) for each source's rows, or none",
  );
  const [{ dtype, dims }] = sources;
  return indices.map((index) => ({ dtype, dims: [...index.dims, dims[1]] }));
}

/** Types out of collected rows: slots (L, W) in one tensor or several, inverse (R, copies). */
export function collectRows(inputs: readonly ValueType[], _: unknown, expect: Expect) {
  const [{ dtype, dims }] = expectRows(inputs.slice(0, -1), expect);
  const inverse = inputs.at(-1)!;
  expectIndices(inverse, expect);
  expect(inverse.dims.length === 2, "an inverse (R, copies) of the rows");
  return [{ dtype, dims: [inverse.dims[0], dims[1]] }];
}

function expectRows(tensors: readonly ValueType[], expect: Expect): readonly ValueType[] {
  expect(
    tensors.length > 0 &&
      tensors.every(({ dtype, dims }) =>
        dims.length === 2 && dims[1] === tensors[0].dims[1] && isFloating(dtype) &&
        dtype === tensors[0].dtype
      ),
    "floating rows (…, W) of one dtype",
  );
  return tensors;
}

/** Refuses what is no tensor of indices. */
export function expectIndices(x: ValueType, expect: Expect): void {
  expect(x.dtype === "int64", "int64 indices");
}
