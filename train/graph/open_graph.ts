import type { Runtime, Session } from "../runtime/open_runtime.ts";
import type { Graph } from "./graph.ts";
import { targetOf } from "./target.ts";
import { toOnnx } from "./to_onnx.ts";

/**
 * A session of a graph, written for the device that it is to run on.
 *
 * @throws GraphError for a graph that is not well formed; what `Runtime.session` throws
 */
export async function openGraph(runtime: Runtime, graph: Graph): Promise<Session> {
  return await runtime.session(toOnnx(graph, { target: targetOf(runtime.options.device) }));
}
