import type { Dim } from "../graph/dims.ts";
import type { Graph } from "../graph/graph.ts";
import { cast, full, scatterElementsAdd, tokenLogp } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import { hiddenStates, type SequenceInputs, type Transformer } from "./transformer.ts";

/** The tensors of a `SequenceBatch` as inputs of a graph. */
export interface BatchInputs extends SequenceInputs {
  /** Which of the N tokens predict a reply token, (M) int64. */
  readonly positions: Value;
  /** The token that each of them predicts, (M) int64. */
  readonly targets: Value;
}

/** A batch whose log-probs are summed in the graph. */
export interface SummedBatchInputs extends BatchInputs {
  /** The sequence that each reply position belongs to, (M) int64. */
  readonly segments: Value;
}

/** How a batch's inputs are declared. */
export interface BatchDeclaration {
  /** Before each name. */
  readonly prefix?: string;
  readonly symbols: BatchSymbols;
}

/** The symbols for a batch's sizes. */
export interface BatchSymbols {
  /** S */
  readonly sequences: Dim;
  /** T */
  readonly time: string;
  /** N */
  readonly tokens: string;
  /** M */
  readonly replyTokens: string;
}

/** Declares a batch's inputs. */
export function batchInputs(
  graph: Graph,
  { headDim }: { readonly headDim: number },
  { prefix = "", symbols }: BatchDeclaration,
): BatchInputs {
  const { sequences, time, tokens, replyTokens } = symbols;
  const angles = [time, headDim / 2];
  return {
    ids: graph.input(`${prefix}ids`, "int64", [tokens]),
    places: graph.input(`${prefix}places`, "int64", [tokens]),
    grid: graph.input(`${prefix}grid`, graph.dtype, [sequences, time]),
    cos: graph.input(`${prefix}cos`, graph.dtype, angles),
    sin: graph.input(`${prefix}sin`, graph.dtype, angles),
    positions: graph.input(`${prefix}positions`, "int64", [replyTokens]),
    targets: graph.input(`${prefix}targets`, "int64", [replyTokens]),
  };
}

/** `batchInputs` with the segments that `sequenceLogps` sums by. */
export function summedBatchInputs(
  graph: Graph,
  config: { readonly headDim: number },
  declaration: BatchDeclaration,
): SummedBatchInputs {
  const { prefix = "", symbols } = declaration;
  return {
    ...batchInputs(graph, config, declaration),
    segments: graph.input(`${prefix}segments`, "int64", [symbols.replyTokens]),
  };
}

/** log π of each reply token given all before it: (M). Logits exist at reply positions only. */
export function replyTokenLogps(transformer: Transformer, batch: BatchInputs): Value {
  const hidden = hiddenStates(transformer, batch, batch.positions); // (M, D)
  return tokenLogp(transformer.logits(hidden), batch.targets);
}

/**
 * Summed reply log-probs, (S) float64: the losses subtract such sums from each other, and the sums
 * are large beside their differences.
 */
export function sequenceLogps(transformer: Transformer, batch: SummedBatchInputs): Value {
  const logps = cast(replyTokenLogps(transformer, batch), "float64"); // (M)
  const zeros = full(logps.graph, [batch.grid.dims[0]], { value: 0, dtype: "float64" }); // (S)
  return scatterElementsAdd(zeros, { indices: batch.segments, updates: logps, axis: 0 });
}
