import { HOST_PREFIX } from "../node_names.ts";
import type { Handle } from "../handles.ts";
import type { OnnxruntimeLibrary } from "../onnxruntime_library.ts";

/** How many misplaced nodes are worth listing. */
const LISTED = 10;

/** A node of a session's graph, and what runs it. */
export interface PlacedNode {
  readonly provider: string;
  readonly name: string;
  readonly op: string;
}

/**
 * Which provider runs each node of a session that was told to record it.
 *
 * @throws Error with ONNX Runtime's own text when it has not recorded it
 */
export function placement(library: OnnxruntimeLibrary, session: Handle): PlacedNode[] {
  const { api } = library;
  const text = (read: (of: bigint, out: BigUint64Array<ArrayBuffer>) => bigint, of: bigint) => {
    const pointer = library.borrow((out) => read(of, out));
    return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
  };
  const graphs = list(library, session.address, api.Session_GetEpGraphAssignmentInfo);
  return graphs.flatMap((graph) => {
    const provider = text(api.EpAssignedSubgraph_GetEpName, graph);
    return list(library, graph, api.EpAssignedSubgraph_GetNodes).map((node) => ({
      provider,
      name: text(api.EpAssignedNode_GetName, node),
      op: text(api.EpAssignedNode_GetOperatorType, node),
    }));
  });
}

/**
 * Holds a session on a GPU to computing there: only the arithmetic of sizes may run on the processor,
 * where sizes are.
 *
 * @param onFallback told of others; they are refused unless it is given
 * @throws Error that names the nodes that would not
 */
export function requirePlacement(
  library: OnnxruntimeLibrary,
  session: Handle,
  onFallback?: (message: string) => void,
): void {
  const misplaced = placement(library, session).filter(({ provider, name }) =>
    provider !== "CUDAExecutionProvider" && !name.startsWith(HOST_PREFIX)
  );
  if (misplaced.length === 0) return;
  const names = misplaced.slice(0, LISTED).map(({ op, name }) => `${op} (${name})`).join(", ");
  const more = misplaced.length > LISTED ? `, and ${misplaced.length - LISTED} more` : "";
  const message =
    `Expected every node on the GPU but found ${misplaced.length} on the processor, for which ` +
    `ONNX Runtime's CUDA provider has no kernel: ${names}${more}.`;
  if (onFallback === undefined) throw new Error(message);
  onFallback(message);
}

function list(
  library: OnnxruntimeLibrary,
  of: bigint,
  read: (
    of: bigint,
    out: BigUint64Array<ArrayBuffer>,
    count: BigUint64Array<ArrayBuffer>,
  ) => bigint,
): bigint[] {
  const [out, count] = [new BigUint64Array(1), new BigUint64Array(1)];
  library.check(read(of, out, count));
  const pointer = Deno.UnsafePointer.create(out[0]);
  if (pointer === null) return [];
  const view = new Deno.UnsafePointerView(pointer);
  return Array.from({ length: Number(count[0]) }, (_, i) => view.getBigUint64(8 * i));
}
