import { float32, type Tensor } from "../core/tensor.ts";
import { adamwGraph, type AdamwOptions, adamwScalars, clipScale } from "./optim/adamw.ts";
import { squaresGraph } from "./optim/adamw.ts";
import { toOnnx } from "./graph/to_onnx.ts";
import type { Weights } from "./models/model.ts";
import type { PreparedRun, Runtime, Session } from "./runtime/open_runtime.ts";

/** What an optimiser step reads and writes, each by the parameter's name. */
export interface TrainedTensors {
  readonly weights: Weights;
  readonly gradients: Weights;
  readonly firstMoments: Weights;
  readonly secondMoments: Weights;
}

/**
 * Elements that one run updates: four arrays of them and what lies between stay in the cache, and
 * starting a run costs little beside it.
 */
const PIECE = 1 << 18;

const SCALARS = ["scale", "stepSize", "epsilon", "decay"] as const;

/** AdamW on all parameters, piece by piece, over the arrays where they lie. */
export class OptimiserStep {
  readonly #options: AdamwOptions;
  readonly #scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
  readonly #pieces: readonly Piece[];
  /** What `release` gives back. */
  readonly #opened: AsyncDisposableStack;

  private constructor(
    options: AdamwOptions,
    { scalars, pieces, opened }: {
      readonly scalars: Readonly<Record<typeof SCALARS[number], Tensor<"float32">>>;
      readonly pieces: readonly Piece[];
      readonly opened: AsyncDisposableStack;
    },
  ) {
    this.#options = options;
    this.#scalars = scalars;
    this.#pieces = pieces;
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
    const update = await runtime.session(toOnnx(adamwGraph(options)));
    opened.defer(() => update.release());
    const squares = await runtime.session(toOnnx(squaresGraph()));
    opened.defer(() => squares.release());
    const scalars = Object.fromEntries(
      SCALARS.map((name) => [name, float32([], new Float32Array(1))]),
    ) as Record<typeof SCALARS[number], Tensor<"float32">>;
    const used = Object.fromEntries(
      SCALARS.filter((name) => update.inputs.includes(name)).map((name) => [name, scalars[name]]),
    );
    const pieces = [...tensors.weights.keys()].flatMap((parameter) =>
      bindPieces(parameter, { runtime, tensors, update, squares, scalars: used, opened })
    );
    return new OptimiserStep(options, { scalars, pieces, opened: opened.move() });
  }

  /** The L2 norm of each parameter's gradient. */
  async gradientNorms(): Promise<Map<string, number>> {
    const sums = new Map<string, number>();
    for (const { parameter, measure, squares } of this.#pieces) {
      await measure.run();
      sums.set(parameter, (sums.get(parameter) ?? 0) + squares.data[0]);
    }
    return new Map([...sums].map(([name, sum]) => [name, Math.sqrt(sum)]));
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
    for (const { update } of this.#pieces) await update.run();
  }

  /** Frees sessions and bindings; the arrays stay the caller's. */
  async release(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** Some elements of one parameter, bound to the two graphs. */
interface Piece {
  readonly parameter: string;
  readonly update: PreparedRun;
  readonly measure: PreparedRun;
  /** What `measure` writes: Σ g² of these elements. */
  readonly squares: Tensor<"float32">;
}

function bindPieces(
  parameter: string,
  { runtime, tensors, update, squares, scalars, opened }: {
    readonly runtime: Runtime;
    readonly tensors: TrainedTensors;
    readonly update: Session;
    readonly squares: Session;
    readonly scalars: Readonly<Record<string, Tensor>>;
    /** Told of what is to be given back. */
    readonly opened: AsyncDisposableStack;
  },
): Piece[] {
  using wholes = new DisposableStack();
  const whole = [tensors.weights, tensors.gradients, tensors.firstMoments, tensors.secondMoments]
    .map((tensors) => wholes.use(runtime.place(tensors.get(parameter)!)));
  const size = tensors.weights.get(parameter)!.data.length;
  return Array.from({ length: Math.ceil(size / PIECE) }, (_, i): Piece => {
    const start = i * PIECE;
    const [value, gradient, m, v] = whole.map((tensor) =>
      opened.use(tensor.piece(start, Math.min(PIECE, size - start)))
    );
    const sum = float32([1], new Float32Array(1));
    const into = {
      "next/value": value,
      "next/gradient": gradient,
      "next/m": m,
      "next/v": v,
    };
    return {
      parameter,
      update: update.prepare({ value, gradient, m, v, ...scalars }, {
        into,
        inPlace: Object.keys(into),
        blocking: true,
      }),
      measure: squares.prepare({ x: gradient }, { into: { squares: sum }, blocking: true }),
      squares: sum,
    };
  });
}
