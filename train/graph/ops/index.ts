import type { Value } from "../value.ts";

/**
 * Rows of a table, the same row as often as it is asked for: table (V, …), ids (…) → (…, …).
 * Its gradient adds up in a fixed order, whatever the number of threads.
 */
export function embedding(table: Value, ids: Value): Value {
  return table.graph.emit("Gather", [table, ids], {})[0];
}

/** Where rows go, and where they came from. */
export interface Routing {
  /** The row that fills each slot, (…) int64. */
  readonly index: Value;
  /**
   * The slots that each row fills, (R, copies) int64, counted over the flattened slots; a row that
   * fills fewer names one past the last slot. It is what gradients are added up by.
   */
  readonly inverse: Value;
}

/**
 * Rows of x (R, W) laid out in slots: (…, W). A row may fill several slots or none. Told both ways
 * around, neither direction has to scatter, so each is one parallel copy in a fixed order.
 */
export function route(x: Value, { index, inverse }: Routing): Value {
  return routeAll([x], { indices: [index], inverses: [inverse] })[0];
}

/** Where the rows of several tensors go, and where they came from. */
export interface ManyRoutings {
  /** Of each target, the rows that fill its slots, counted over the sources one after the other. */
  readonly indices: readonly Value[];
  /**
   * Of each source, the slots that its rows fill, counted over the targets one after the other; see
   * `Routing.inverse`. May be left out where no gradient passes.
   */
  readonly inverses?: readonly Value[];
}

/** As `route`, from the rows of sources (R, W) each to the slots of targets (…, W) each. */
export function routeAll(
  sources: readonly Value[],
  { indices, inverses = [] }: ManyRoutings,
): readonly Value[] {
  return sources[0].graph.emit("Route", [...sources, ...indices, ...inverses], {
    sources: sources.length,
    targets: indices.length,
  });
}

/** One element a position along an axis (−1 the last): indices have x's shape but on that axis. */
export function gatherElements(x: Value, indices: Value, axis: number): Value {
  return x.graph.emit("GatherElements", [x, indices], {
    axis: axis < 0 ? axis + x.dims.length : axis,
  })[0];
}

/** x with updates added at indices along an axis; indices may repeat. */
export function scatterElementsAdd(
  x: Value,
  { indices, updates, axis }: {
    readonly indices: Value;
    readonly updates: Value;
    readonly axis: number;
  },
): Value {
  return x.graph.emit("ScatterElementsAdd", [x, indices, updates], { axis })[0];
}
