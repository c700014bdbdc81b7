import type { Graph } from "./graph.ts";

/** A graph that is not well formed: every violation, with op, name and shapes. */
export class GraphError extends Error {
  override readonly name = "GraphError";

  constructor(readonly violations: readonly string[]) {
    super(violations.join("\n"));
  }
}

export function verify(graph: Graph): void {
  if (graph.outputs.size === 0) throw new GraphError(["The graph has no outputs."]);
}
