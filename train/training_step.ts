import { float32, type Tensor } from "../core/tensor.ts";
import type { TrainingState } from "./checkpoint.ts";
import {
  addRowsGraph,
  gradientGraph,
  type GradientGraphOptions,
  gradientName,
  nextName,
  ROW_GRADIENTS,
} from "./gradient_graph.ts";
import type { Graph } from "./graph/graph.ts";
import { openGraph } from "./graph/open_graph.ts";
import { rootOfSquares } from "./gradient_norms.ts";
import { runLanes } from "./lanes.ts";
import type { LossScale } from "./loss_scale.ts";
import { headChunks, withChunks } from "./models/head_chunks.ts";
import { type Weights, zerosLike } from "./models/weights.ts";
import { EMBEDDING } from "./models/parameters.ts";
import type { AdamwOptions } from "./optim/adamw.ts";
import { OptimiserStep } from "./optimiser_step.ts";
import { type MomentsOptions, openMoments, type OwnMoments } from "./own_moments.ts";
import { firstRanks, type Ranks, sumOf } from "./parallel/ranks.ts";
import { Shards, type SharedTensors } from "./parallel/shards.ts";
import { isOnHost, type PlacedState, placeState, placeZeros, readState } from "./placed_state.ts";
import { inPrecision, type MomentPrecision, type Precision } from "./precision.ts";
import type { PlacedTensor, Runtime, Session } from "./runtime/open_runtime.ts";

/** How a step is taken. */
export interface TrainingStepOptions extends GradientGraphOptions, MomentsOptions {
  readonly maxGradNorm: number;
  readonly adamw: AdamwOptions;
  /** Of layers in float16, without which their small gradients would be zeros; it is told of each step. */
  readonly lossScale?: LossScale;
  /** Weights that are read and stay as they are. */
  readonly frozen: Weights;
  /** Runs that are under way at once, each gathering gradients of its own; 1 unless given. */
  readonly lanes?: number;
  /** Processes that each gather a part of every batch, and have a part of the moments. */
  readonly ranks?: Ranks;
}

/** A part of a batch: what the gradient graph is fed, and which pairs of the batch these are. */
export interface BatchPart {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly rows: readonly number[];
  /** The lane that runs it; the first unless given. */
  readonly lane?: number;
}

/** What a batch's parts gave together, all of it before the update. */
export interface BatchGradient {
  readonly preference: number;
  readonly regulariser: number;
  /** Summed log-probs under the policy, (P), in the batch's order. */
  readonly policyChosen: readonly number[];
  readonly policyRejected: readonly number[] | null;
  /** Measures the L2 norm of each parameter's gradient, as long as that is there. */
  readonly norms: () => Promise<ReadonlyMap<string, number>>;
  /** The global L2 norm; not finite where a loss scale was too large. */
  readonly gradNorm: number;
}

/** Which parts of the loss a gradient is of; both, unless one part's share is asked for. */
export interface PartWeights {
  readonly preferenceWeight: number;
  readonly regulariserWeight: number;
}

const BOTH: PartWeights = { preferenceWeight: 1, regulariserWeight: 1 };

/** What one of several runs at once gathers. */
interface Lane {
  readonly state: PlacedState;
  /** The same under the gradient graph's names. */
  readonly gradients: ReadonlyMap<string, PlacedTensor<"float32">>;
}

/** What a `TrainingStep` is made of. */
interface Opened {
  readonly runtime: Runtime;
  readonly gradient: Session;
  /** Adds the gradients of rows that were looked up; null where the embedding is not trained. */
  readonly addRows: Session | null;
  readonly optimiser: OptimiserStep;
  readonly tensors: SharedTensors;
  readonly moments: OwnMoments;
  /** All weights, also those that are only read. */
  readonly weights: ReadonlyMap<string, PlacedTensor>;
  /** The same under the gradient graph's names. */
  readonly placed: ReadonlyMap<string, PlacedTensor>;
  /** What each lane gathers of the gradients; the first lane's are those of `tensors`. */
  readonly lanes: readonly Lane[];
  /** What `release` gives back. */
  readonly stack: AsyncDisposableStack;
}

/**
 * The gradient graph and the optimiser in sessions, over one set of arrays: a batch's gradient is
 * gathered part by part, then the update is written over the weights and moments.
 */
export class TrainingStep {
  readonly #options: TrainingStepOptions;
  readonly #opened: Opened;
  #step: number;

  private constructor(options: TrainingStepOptions, step: number, opened: Opened) {
    this.#options = options;
    this.#step = step;
    this.#opened = opened;
  }

  /**
   * Compiles the graphs. The state's arrays are taken over: every step changes them. Of several ranks
   * the first one's state counts; where it has taken no step, its weights must be those of all.
   */
  static async open(
    runtime: Runtime,
    state: TrainingState,
    options: TrainingStepOptions,
  ): Promise<TrainingStep> {
    // Whatever was opened is given back should a later part not open.
    await using stack = new AsyncDisposableStack();
    const session = async (graph: Graph) => {
      const opened = await openGraph(runtime, graph);
      stack.defer(() => opened.release());
      return opened;
    };
    const gradient = await session(gradientGraph(options));
    const addRows = state.weights.has(EMBEDDING) ? await session(addRowsGraph()) : null;
    const tensors = {
      weights: placeState(runtime, state.weights, stack),
      gradients: placeZeros(runtime, state.weights, stack),
    };
    const { config } = options;
    const inChunks = { chunks: headChunks(config, options.vocabularyChunk), config, stack };
    const lanes = Array.from({ length: options.lanes ?? 1 }, (_, lane): Lane => {
      // The state itself would be held as long as what is captured here.
      const own = lane === 0
        ? tensors.gradients
        : placeZeros(runtime, tensors.weights.tensors, stack);
      return { state: own, gradients: asGradients(withChunks(own.tensors, inChunks)) };
    });
    const { moments, blocks } = openMoments(runtime, { state, tensors }, { ...options, stack });
    const optimiser = await OptimiserStep.open(runtime, blocks, {
      ...options.adamw,
      moments: options.moments,
    });
    stack.defer(() => optimiser.release());
    const weights = new Map<string, PlacedTensor>(tensors.weights.tensors);
    for (const [name, tensor] of options.frozen) {
      const placed = runtime.place<Precision>(inPrecision(tensor, options.precision));
      weights.set(name, stack.use(placed));
    }
    const placed = withChunks(weights, inChunks);
    const { ranks } = options;
    const steps = ranks === undefined ? state.step : await firstRanks(ranks, state.step);
    if (moments instanceof Shards && steps > 0) await moments.share(state);
    const opened = { runtime, gradient, addRows, optimiser, tensors, moments, lanes };
    const all = { ...opened, weights, placed, stack: stack.move() };
    return new TrainingStep(options, steps, all);
  }

  /** How many lanes its parts may name. */
  get lanes(): number {
    return this.#opened.lanes.length;
  }

  /**
   * Gathers the gradient of a batch in its parts; of several ranks, each gives its own. `update` or
   * `discard` must follow.
   *
   * @param pairs of the whole batch; those of the parts unless given
   */
  async gather(
    parts: readonly BatchPart[],
    weights: PartWeights = BOTH,
    pairs: number = parts.reduce((sum, { rows }) => sum + rows.length, 0),
  ): Promise<BatchGradient> {
    const chosen = new Array<number>(pairs).fill(0);
    const rejected = new Array<number>(pairs).fill(0);
    const sums = { preference: 0, regulariser: 0 };
    for (const [part, outputs] of (await this.#runAll(parts, weights)).entries()) {
      sums.preference += Number(outputs.preference.data[0]);
      sums.regulariser += Number(outputs.regulariser.data[0]);
      parts[part].rows.forEach((row, i) => {
        chosen[row] = Number(outputs.policyChosen.data[i]);
        rejected[row] = Number(outputs.policyRejected?.data[i] ?? 0);
      });
    }
    if (this.#opened.moments instanceof Shards) await this.#opened.moments.addUp();
    const { preference, regulariser } = sums;
    const [all, allRegulariser, ...logps] = await this.#sum(
      [preference, regulariser, ...chosen, ...rejected],
    );
    const comparesPairs = this.#opened.gradient.outputs.includes("policyRejected");
    return {
      preference: all,
      regulariser: allRegulariser,
      policyChosen: logps.slice(0, pairs),
      policyRejected: comparesPairs ? logps.slice(pairs) : null,
      norms: () => this.#norms(),
      gradNorm: await this.#gradNorm(),
    };
  }

  /**
   * Takes the step that the gathered gradient leads to; where one of a scaled loss is not finite, the step
   * counts, and weights and moments stay. As with PyTorch's `GradScaler`, AdamW's own count, of which its
   * bias correction is made, then stays too.
   */
  async update(gradNorm: number, learningRate: number): Promise<void> {
    this.#step++;
    const { maxGradNorm, lossScale } = this.#options;
    const scale = lossScale?.value;
    lossScale?.update(Number.isFinite(gradNorm));
    if (lossScale !== undefined && !Number.isFinite(gradNorm)) return this.discard();
    const { optimiser, moments } = this.#opened;
    const rates = { learningRate, gradNorm, maxGradNorm, lossScale: scale };
    const updates = this.#step - (lossScale?.skipped ?? 0);
    if (!(moments instanceof Shards)) return await optimiser.update(updates, rates);
    await optimiser.update(updates, rates, (bucket) => moments.spread(bucket));
    await moments.spreadAll();
  }

  /** Forgets the gathered gradient. */
  discard(): void {
    for (const { elements } of this.#opened.tensors.gradients.blocks) elements.clear();
  }

  /**
   * The state after the last step: of what is in host memory live arrays, which the next step changes, of a
   * GPU's a copy. Of several ranks all must ask, and the first one gets it; the others get null.
   *
   * @param gathers whether of several ranks the first one gets a copy of all moments, or of none
   */
  async state(
    { gathers = true }: { readonly gathers?: boolean } = {},
  ): Promise<TrainingState | null> {
    const { tensors, moments } = this.#opened;
    const all = moments instanceof Shards ? await moments.gatherMoments(gathers) : {
      firstMoments: await readState(moments.firstMoments),
      secondMoments: await readState(moments.secondMoments),
    };
    return all && { step: this.#step, weights: await readState(tensors.weights), ...all };
  }

  /** The weights that are trained, as `state` has them. */
  async weights(): Promise<Weights> {
    return await readState(this.#opened.tensors.weights);
  }

  /**
   * All weights where they lie, which the next step changes: for another session. Those that are only read
   * are in what layers compute in.
   */
  placedWeights(): ReadonlyMap<string, PlacedTensor> {
    return this.#opened.weights;
  }

  /** Frees the sessions; the arrays stay the caller's. */
  async release(): Promise<void> {
    await this.#opened.stack.disposeAsync();
  }

  /** Runs the parts, side by side where there are lanes; gives what each put out, in their order. */
  async #runAll(
    parts: readonly BatchPart[],
    weights: PartWeights,
  ): Promise<Record<string, Tensor>[]> {
    const { lanes } = this.#opened;
    const outputs = new Array<Record<string, Tensor>>(parts.length);
    const all = parts.map((part, number) => ({ lane: 0, ...part, number }));
    const works = lanes.map((_, lane) => all.filter((part) => part.lane === lane));
    await runLanes(works, async ({ feeds, number }, lane) => {
      outputs[number] = await this.#run(feeds, weights, lanes[lane]);
    });
    await this.#joinLanes();
    return outputs;
  }

  /** Numbers added up over the ranks; the same ones where there is one. */
  async #sum(values: number[]): Promise<number[]> {
    const { ranks } = this.#options;
    return ranks === undefined ? values : [...await sumOf(ranks, values)];
  }

  async #gradNorm(): Promise<number> {
    const { optimiser } = this.#opened;
    if (this.#options.ranks === undefined) return await optimiser.gradNorm() / this.#scale;
    return rootOfSquares([...(await this.#norms()).values()]);
  }

  /** The L2 norm of each parameter's gradient, over what each rank has of it. */
  async #norms(): Promise<Map<string, number>> {
    const { optimiser, tensors } = this.#opened;
    const norms = await optimiser.gradientNorms();
    const names = [...tensors.weights.tensors.keys()];
    const squares = await this.#sum(names.map((name) => (norms.get(name) ?? 0) ** 2));
    return new Map(names.map((name, i) => [name, Math.sqrt(squares[i]) / this.#scale]));
  }

  /** What gathered gradients are too large by. */
  get #scale(): number {
    return this.#options.lossScale?.value ?? 1;
  }

  /** Adds what the other lanes have gathered to the first one's. */
  async #joinLanes(): Promise<void> {
    const [first, ...others] = this.#opened.lanes.map(({ state }) => state);
    for (const { blocks } of others) {
      for (const [i, { elements }] of blocks.entries()) {
        const sum = (await first.blocks[i].elements.read()).data;
        const { data } = await elements.read();
        for (let n = 0; n < data.length; n++) sum[n] += data[n];
        elements.clear();
      }
    }
  }

  async #run(
    batch: Readonly<Record<string, Tensor>>,
    weights: PartWeights,
    { gradients }: Lane,
  ): Promise<Record<string, Tensor>> {
    const { runtime, gradient, addRows, placed } = this.#opened;
    const feed = (name: string) =>
      gradients.get(name) ?? placed.get(name) ?? batch[name] ??
        scalar({ ...weights, lossScale: this.#scale }[name as keyof PartWeights | "lossScale"]);
    const feeds = Object.fromEntries(gradient.inputs.map((name) => [name, feed(name)]));
    const into: Record<string, PlacedTensor> = {};
    for (const [name, tensor] of gradients) {
      if (gradient.inputs.includes(name)) into[nextName(name)] = tensor;
    }
    const inPlace = Object.keys(into);
    if (addRows === null) return await gradient.run(feeds, { into, inPlace });
    const table = gradients.get(gradientName(EMBEDDING))!;
    // On a GPU they stay there; on the CPU a run hands them out itself.
    using rows = isOnHost(runtime)
      ? null
      : runtime.zeros("float32", [batch.ids.dims[0], table.dims[1]]);
    const outputs = await gradient.run(feeds, {
      into: rows === null ? into : { ...into, [ROW_GRADIENTS]: rows },
      inPlace,
    });
    const next = nextName("table");
    await addRows.run({ table, ids: batch.ids, rows: rows ?? outputs[ROW_GRADIENTS] }, {
      into: { [next]: table },
      inPlace: [next],
    });
    return outputs;
  }
}

/**
 * The state before the first step: weights, copied unless taken over; moments zero, or none where ranks
 * have parts of them.
 */
export function initialState(
  weights: Weights,
  { takesOver = false, moments = "float32" }: {
    readonly takesOver?: boolean;
    readonly moments?: MomentPrecision | "none";
  } = {},
): TrainingState {
  const zeros = () => moments === "none" ? new Map() : zerosLike<MomentPrecision>(weights, moments);
  const copy = ({ dims, data }: Tensor<"float32">) => float32(dims, data.slice());
  return {
    step: 0,
    weights: takesOver
      ? weights
      : new Map([...weights].map(([name, tensor]) => [name, copy(tensor)])),
    firstMoments: zeros(),
    secondMoments: zeros(),
  };
}

/** Tensors by the names of the inputs that hold what has been gathered of weights' gradients. */
function asGradients(
  tensors: ReadonlyMap<string, PlacedTensor<"float32">>,
): Lane["gradients"] {
  return new Map([...tensors].map(([weight, tensor]) => [gradientName(weight), tensor]));
}

function scalar(value: number): Tensor<"float64"> {
  return { dtype: "float64", dims: [], data: Float64Array.of(value) };
}
