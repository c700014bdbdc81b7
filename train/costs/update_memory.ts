import { lowerForSession } from "../graph/to_onnx.ts";
import type { Graph } from "../graph/graph.ts";
import { adamwGraph, squaresGraph } from "../optim/adamw.ts";
import { normPiece, updatePiece } from "../optim/update_pieces.ts";
import type { MomentPrecision } from "../precision.ts";
import { ELEMENT_BYTES } from "../../core/tensor.ts";
import { runMemory } from "./run_memory.ts";

/** How weights are updated on a GPU. */
export interface ForeseenUpdate {
  /** Weights that a process updates. */
  readonly weights: number;
  /** Of them those of the largest tensor: moments on the host are updated tensor by tensor. All unless given. */
  readonly largest?: number;
  /** What AdamW's moments are kept in; float32 unless given. */
  readonly moments?: MomentPrecision;
  /** Whether they are in host memory; not unless given. */
  readonly offloadMoments?: boolean;
}

/**
 * What updates hold on a GPU beside what they update, in bytes: the arenas of the two sessions that update a
 * piece and measure its norm, noise to round by, and of moments that are offloaded what is fed of them.
 */
export function updateMemory(
  { weights, largest = weights, moments = "float32", offloadMoments = false }: ForeseenUpdate,
): number {
  const isNoisy = moments === "bfloat16";
  const division = { onHost: false, isNoisy, offloadsMoments: offloadMoments };
  const piece = Math.min(offloadMoments ? largest : weights, updatePiece(division));
  // Whether weights decay does not matter to memory.
  const adamw = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
  const isPlaced = (output: string) => !offloadMoments || !["next/m", "next/v"].includes(output);
  const updating = arenaOf(adamwGraph(adamw, { moments }), piece, isPlaced);
  const measured = Math.min(weights, normPiece(division));
  const measuring = arenaOf(squaresGraph(), measured, () => false);
  const noise = isNoisy ? ELEMENT_BYTES.float32 * updatePiece(division) : 0;
  const fed = offloadMoments ? 2 * ELEMENT_BYTES[moments] * piece : 0;
  return updating + measuring + noise + fed;
}

/** The arena of a graph over `n` elements. */
function arenaOf(graph: Graph, n: number, isPlaced: (output: string) => boolean): number {
  const lowered = lowerForSession(graph, { target: "cuda" });
  const outputs = [...lowered.outputs].filter(([name]) => isPlaced(name));
  const placed = new Set(outputs.map(([, value]) => value));
  return runMemory(lowered, { sizes: new Map([["n", n]]), placed, device: "cuda" }).bytes;
}
