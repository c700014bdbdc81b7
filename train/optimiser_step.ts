import { float32, type Tensor } from "../core/tensor.ts";
import { adamwGraph, type AdamwOptions, adamwScalars, clipScale } from "./optim/adamw.ts";
import { openGraph } from "./graph/open_graph.ts";
import {
  type GradientNorms,
  normsByPiece,
  normsOfAll,
  type NormsOptions,
} from "./gradient_norms.ts";
import { isOnHost, type PlacedState } from "./placed_state.ts";
import type { PlacedTensor, PreparedRun, Runtime, Session } from "./runtime/open_runtime.ts";

/** What an optimiser step reads and writes, each by the parameter's name. */
export interface TrainedTensors {
  readonly weights: PlacedState;
  readonly gradients: PlacedState;
  readonly firstMoments: PlacedState;
  readonly secondMoments: PlacedState;
}

/** As many elements of each, which an update reads and writes. */
export interface TrainedBlock {
  readonly size: number;
  readonly value: PlacedTensor<"float32">;
  readonly gradient: PlacedTensor<"float32">;
  readonly firstMoment: PlacedTensor<"float32">;
  readonly secondMoment: PlacedTensor<"float32">;
}

/** What a process updates: all that is trained, or its part of that. */
export interface TrainedBlocks {
  /** In groups that are updated one after the other. */
  readonly groups: readonly (readonly TrainedBlock[])[];
  /** Opens what measures the norms of their gradients. */
  readonly openNorms: (options: NormsOptions) => Promise<GradientNorms>;
}

/**
 * Elements that one run updates on the CPU: four arrays of them and what lies between stay in the
 * cache, and starting a run costs little beside it.
 */
const PIECE = 1 << 18;

/** The same on a GPU, whose runs cost more to start, and which has to hold what lies between. */
const DEVICE_PIECE = 1 << 25;

const SCALARS = ["scale", "stepSize", "epsilon", "decay"] as const;

/** All that is trained, as one process updates it. */
export function allBlocks(runtime: Runtime, tensors: TrainedTensors): TrainedBlocks {
  const { weights, gradients, firstMoments, secondMoments } = tensors;
  const blocks = weights.blocks.map(({ size, elements }, i) => ({
    size,
    value: elements,
    gradient: gradients.blocks[i].elements,
    firstMoment: firstMoments.blocks[i].elements,
    secondMoment: secondMoments.blocks[i].elements,
  }));
  const measure = isOnHost(runtime) ? normsByPiece : normsOfAll;
  return { groups: [blocks], openNorms: (options) => measure(runtime, gradients, options) };
}

/** AdamW, piece by piece, over the arrays where they lie. */
export class OptimiserStep {
  readonly #options: AdamwOptions;
  readonly #scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
  /** Of each group. */
  readonly #updates: readonly (readonly PreparedRun[])[];
  readonly #norms: GradientNorms;
  /** What `release` gives back. */
  readonly #opened: AsyncDisposableStack;

  private constructor(
    options: AdamwOptions,
    { scalars, updates, norms, opened }: {
      readonly scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
      readonly updates: readonly (readonly PreparedRun[])[];
      readonly norms: GradientNorms;
      readonly opened: AsyncDisposableStack;
    },
  ) {
    this.#options = options;
    this.#scalars = scalars;
    this.#updates = updates;
    this.#norms = norms;
    this.#opened = opened;
  }

  /** Compiles the graphs and binds every piece of the arrays once. */
  static async open(
    runtime: Runtime,
    { groups, openNorms }: TrainedBlocks,
    options: AdamwOptions,
  ): Promise<OptimiserStep> {
    // Whatever was opened is given back should a later part not open.
    await using opened = new AsyncDisposableStack();
    const update = await openGraph(runtime, adamwGraph(options));
    opened.defer(() => update.release());
    const scalars = Object.fromEntries(
      SCALARS.map((name) => [name, float32([], new Float32Array(1))]),
    ) as Record<typeof SCALARS[number], Tensor<"float32">>;
    const used = Object.fromEntries(
      SCALARS.filter((name) => update.inputs.includes(name)).map((name) => [name, scalars[name]]),
    );
    const piece = isOnHost(runtime) ? PIECE : DEVICE_PIECE;
    const updates = groups.map((blocks) =>
      bindUpdates(update, { blocks, piece, scalars: used, opened })
    );
    const norms = await openNorms({ piece, opened });
    return new OptimiserStep(options, { scalars, updates, norms, opened: opened.move() });
  }

  /** The L2 norm of the gradients of all blocks together. */
  async gradNorm(): Promise<number> {
    return await this.#norms.total();
  }

  /** The L2 norm of each parameter's gradient. */
  async gradientNorms(): Promise<Map<string, number>> {
    return await this.#norms.byName();
  }

  /**
   * Updates every element for a step (from 1), and sets the gradients to zero.
   *
   * @param afterGroup is called when all of a group has its new values
   */
  async update(
    step: number,
    { learningRate, gradNorm, maxGradNorm }: {
      readonly learningRate: number;
      readonly gradNorm: number;
      readonly maxGradNorm: number;
    },
    afterGroup?: (group: number) => Promise<void>,
  ): Promise<void> {
    const scalars = adamwScalars(this.#options, step, learningRate);
    for (const name of SCALARS) {
      const value = name === "scale" ? clipScale(gradNorm, maxGradNorm) : scalars[name];
      this.#scalars[name].data[0] = value;
    }
    for (const [group, updates] of this.#updates.entries()) {
      for (const update of updates) await update.run();
      await afterGroup?.(group);
    }
  }

  /** Frees sessions and bindings; the arrays stay the caller's. */
  async release(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** Binds every block to the graph, piece by piece. */
function bindUpdates(
  session: Session,
  { blocks, piece, scalars, opened }: {
    readonly blocks: readonly TrainedBlock[];
    readonly piece: number;
    readonly scalars: Readonly<Record<string, Tensor>>;
    /** Told of what is to be given back. */
    readonly opened: AsyncDisposableStack;
  },
): PreparedRun[] {
  return blocks.flatMap(({ size, value, gradient, firstMoment, secondMoment }) => {
    const whole = { value, gradient, m: firstMoment, v: secondMoment };
    return Array.from({ length: Math.ceil(size / piece) }, (_, i) => {
      const start = i * piece;
      const pieces = Object.entries(whole).map(([name, tensor]) =>
        [name, opened.use(tensor.piece(start, Math.min(piece, size - start)))] as const
      );
      const feeds = { ...Object.fromEntries(pieces), ...scalars };
      const into = Object.fromEntries(pieces.map(([name, tensor]) => [`next/${name}`, tensor]));
      return session.prepare(feeds, { into, inPlace: Object.keys(into), blocking: true });
    });
  });
}
