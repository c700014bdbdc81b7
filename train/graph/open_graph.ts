import type { Tensor } from "../../core/tensor.ts";
import type { Runtime, Session } from "../runtime/open_runtime.ts";
import type { Graph } from "./graph.ts";
import { targetOf } from "./target.ts";
import { toOnnx } from "./to_onnx.ts";

/**
 * A session of a graph, written for the device that it is to run on.
 *
 * @param constants inputs by name that are the same in every run: the session is no more fed them, and
 *   may hold them a second time
 * @throws GraphError for a graph that is not well formed; what `Runtime.session` throws
 */
export async function openGraph(
  runtime: Runtime,
  graph: Graph,
  constants: ReadonlyMap<string, Tensor> = new Map(),
): Promise<Session> {
  const target = targetOf(runtime.options.device);
  const model = toOnnx(graph, { target, constants: new Set(constants.keys()) });
  return await runtime.session(model, constants);
}
