import { float32, type Tensor } from "../core/tensor.ts";
import { adamwGraph, type AdamwOptions, adamwScalars, clipScale } from "./optim/adamw.ts";
import { openGraph } from "./graph/open_graph.ts";
import { type GradientNorms, normsByPiece, normsOfAll } from "./gradient_norms.ts";
import { isOnHost, type PlacedState } from "./placed_state.ts";
import type { PlacedTensor, PreparedRun, Runtime, Session } from "./runtime/open_runtime.ts";

/** What an optimiser step reads and writes, each by the parameter's name. */
export interface TrainedTensors {
  readonly weights: PlacedState;
  readonly gradients: PlacedState;
  readonly firstMoments: PlacedState;
  readonly secondMoments: PlacedState;
}

/**
 * Elements that one run updates on the CPU: four arrays of them and what lies between stay in the
 * cache, and starting a run costs little beside it.
 */
const PIECE = 1 << 18;

/** The same on a GPU, whose runs cost more to start, and which has to hold what lies between. */
const DEVICE_PIECE = 1 << 25;

const SCALARS = ["scale", "stepSize", "epsilon", "decay"] as const;

/** AdamW on all parameters, piece by piece, over the arrays where they lie. */
export class OptimiserStep {
  readonly #options: AdamwOptions;
  readonly #scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
  readonly #updates: readonly PreparedRun[];
  readonly #norms: GradientNorms;
  /** What `release` gives back. */
  readonly #opened: AsyncDisposableStack;

  private constructor(
    options: AdamwOptions,
    { scalars, updates, norms, opened }: {
      readonly scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
      readonly updates: readonly PreparedRun[];
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
    tensors: TrainedTensors,
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
    const updates = bindUpdates(update, { tensors, piece, scalars: used, opened });
    const measure = isOnHost(runtime) ? normsByPiece : normsOfAll;
    const norms = await measure(runtime, tensors.gradients, { piece, opened });
    return new OptimiserStep(options, { scalars, updates, norms, opened: opened.move() });
  }

  /** The L2 norm of all gradients together. */
  async gradNorm(): Promise<number> {
    return await this.#norms.total();
  }

  /** The L2 norm of each parameter's gradient. */
  async gradientNorms(): Promise<Map<string, number>> {
    return await this.#norms.byName();
  }

  /** Updates every parameter for a step (from 1), and sets the gradients to zero. */
  async update(
    step: number,
    { learningRate, gradNorm, maxGradNorm }: {
      readonly learningRate: number;
      readonly gradNorm: number;
      readonly maxGradNorm: number;
    },
  ): Promise<void> {
    const scalars = adamwScalars(this.#options, step, learningRate);
    for (const name of SCALARS) {
      const value = name === "scale" ? clipScale(gradNorm, maxGradNorm) : scalars[name];
      this.#scalars[name].data[0] = value;
    }
    for (const update of this.#updates) await update.run();
  }

  /** Frees sessions and bindings; the arrays stay the caller's. */
  async release(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** Binds every block of the tensors to the graph, piece by piece. */
function bindUpdates(
  session: Session,
  { tensors, piece, scalars, opened }: {
    readonly tensors: TrainedTensors;
    readonly piece: number;
    readonly scalars: Readonly<Record<string, Tensor>>;
    /** Told of what is to be given back. */
    readonly opened: AsyncDisposableStack;
  },
): PreparedRun[] {
  const { weights, gradients, firstMoments, secondMoments } = tensors;
  return weights.blocks.flatMap(({ size }, block) => {
    const whole = [weights, gradients, firstMoments, secondMoments]
      .map(({ blocks }) => blocks[block].elements);
    return Array.from({ length: Math.ceil(size / piece) }, (_, i) => {
      const start = i * piece;
      const [value, gradient, m, v] = whole.map((tensor: PlacedTensor) =>
        opened.use(tensor.piece(start, Math.min(piece, size - start)))
      );
      const into = {
        "next/value": value,
        "next/gradient": gradient,
        "next/m": m,
        "next/v": v,
      };
      const inPlace = Object.keys(into);
      const feeds = { value, gradient, m, v, ...scalars };
      return session.prepare(feeds, { into, inPlace, blocking: true });
    });
  });
}
